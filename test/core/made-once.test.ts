import { expect, it, vi } from "vitest";
import { madeOnce } from "../../src/core/made-once.ts";

it("is made when it is first asked for, and once", () => {
  const make = vi.fn(() => ({}));
  const get = madeOnce(make);
  expect(make).not.toHaveBeenCalled();
  expect(get()).toBe(get());
  expect(make).toHaveBeenCalledTimes(1);
});

it("is made once also where it is nothing", () => {
  const make = vi.fn(() => undefined);
  const get = madeOnce(make);
  expect([get(), get()]).toEqual([undefined, undefined]);
  expect(make).toHaveBeenCalledTimes(1);
});

it("is tried again after it could not be made", () => {
  const make = vi.fn(() => 7);
  make.mockImplementationOnce(() => expect.unreachable());
  const get = madeOnce(make);
  expect(get).toThrow();
  expect(get()).toBe(7);
});
