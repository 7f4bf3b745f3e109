import { expect, it } from "vitest";
import type { Statements } from "../../../src/storage/postgres/database.ts";
import { ServerClock } from "../../../src/storage/postgres/server-clock.ts";
import { FakeClock } from "../../support/fake-clock.ts";

/** A server that only knows what time it is. */
const serverAt = (now: number): Statements => ({
  all: async () => [{ now }],
  run: async () => {},
  lock: async () => {},
});

it("tells the server's time, however wrong the machine's is, and counts on with its own", async () => {
  const own = new FakeClock();
  const clock = await ServerClock.of(serverAt(5_000_000), own);
  expect(clock.now()).toBe(5_000_000);
  await own.advance(1_500);
  expect(clock.now()).toBe(5_001_500);
  await clock.ask(serverAt(5_001_600));
  expect(clock.now()).toBe(5_001_600);
});
