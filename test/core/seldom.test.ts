import { expect, it } from "vitest";
import { seldom } from "../../src/core/seldom.ts";
import { FakeClock } from "../support/fake-clock.ts";

it("happens at once, then once for all that came meanwhile, and never after its end", async () => {
  const clock = new FakeClock();
  const began = clock.elapsed();
  const ran: number[] = [];
  const it = seldom(clock, 1_000, () => ran.push(clock.elapsed() - began));
  it.call();
  await clock.advance(300);
  for (let n = 0; n < 50; n++) it.call();
  expect(ran).toEqual([0]);
  await clock.advance(5_000);
  expect(ran).toEqual([0, 1_000]);
  it.call();
  it.call();
  expect(ran).toEqual([0, 1_000, 5_300]);
  it.end();
  await clock.advance(5_000);
  expect(ran).toEqual([0, 1_000, 5_300]);
});
