import { expect, it } from "vitest";
import { OneByOne } from "../../src/chat/one-by-one.ts";
import { settle } from "../support/fake-clock.ts";

it("lets one after the other in, in their order, and others pass", async () => {
  const calls = new OneByOne();
  const inside: string[] = [];
  const enter = async (key: string, name: string) => {
    const leave = await calls.enter(key);
    inside.push(name);
    return leave;
  };
  const first = await enter("a", "first");
  const second = enter("a", "second");
  const third = enter("a", "third");
  await enter("b", "other");
  await settle();
  expect(inside).toEqual(["first", "other"]);
  first();
  (await second)();
  await third;
  expect(inside).toEqual(["first", "other", "second", "third"]);
});
