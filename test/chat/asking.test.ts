import { describe, expect, it } from "vitest";
import { answering, chunk, openChatRig, stream, threadOf } from "../support/chat-rig.ts";
import { FakeClock } from "../support/fake-clock.ts";
import { deadOrigin, json, rawServer } from "../support/raw-server.ts";
import { until } from "../support/rig.ts";
import { tempDir } from "../support/temp-dir.ts";

describe("a question that was not taken", () => {
  it.each([
    ["429", 429],
    ["503", 503],
  ])("is sent again after %s", async (_name, status) => {
    let count = 0;
    const server = await rawServer((_hit, response) =>
      ++count === 1
        ? json(response, status, { error: { message: "Try again in 0 seconds" } })
        : stream(response, chunk("Now.")),
    );
    const rig = await openChatRig({ origin: server.origin });
    const job = await rig.reached(await rig.ask("When?"), "completed");
    expect(job.error).toBeNull();
    expect(server.hits).toHaveLength(2);
  });

  it("waits as long as the platform says in its text", async () => {
    const clock = new FakeClock();
    let count = 0;
    const message = "Rate limit exceeded. Please try again in 60 seconds";
    const server = await rawServer((_hit, response) =>
      ++count === 1 ? json(response, 429, { error: { message } }) : stream(response, chunk("Now.")),
    );
    const rig = await openChatRig({ origin: server.origin, clock });
    const job = await rig.ask("When?");
    await until(async () => (await rig.get(job)).error?.code === "rate_limited");
    await clock.advance(59_000);
    expect(server.hits).toHaveLength(1);
    await clock.advance(1_000);
    await rig.reached(job, "completed");
    expect(server.hits).toHaveLength(2);
  });

  it("is given up after ten minutes", async () => {
    const clock = new FakeClock();
    const rig = await openChatRig({ origin: await deadOrigin(), clock, timeScale: 1 });
    const job = await rig.ask("Anybody?");
    await until(async () => {
      await clock.advance(30_000);
      return (await rig.get(job)).state === "cancelled";
    });
    // The thread is free again.
    await rig.ask("Still?", { threadId: threadOf(job) });
  });

  it.each([400, 401, 403, 404, 500, 502])("is never sent again after %i", async (status) => {
    const server = await rawServer((_hit, response) => json(response, status, { error: "no" }));
    const rig = await openChatRig({ origin: server.origin });
    await rig.reached(await rig.ask("No?"), status >= 500 ? "unknown" : "failed");
    expect(server.hits).toHaveLength(1);
  });

  it("is not sent late by a later process", async () => {
    const folder = await tempDir();
    const clock = new FakeClock();
    const first = await openChatRig({
      origin: await deadOrigin(),
      clock,
      folder,
      holder: "gone",
      timeScale: 1,
    });
    const job = await first.ask("Late?");
    await until(async () => (await first.get(job)).error !== null);
    const server = await answering();
    const later = new FakeClock(clock.now() + 601_000);
    const base = (await first.get(job)).baseUrl;
    const second = await openChatRig({
      origin: base,
      clock: later,
      folder,
      holder: "second",
      isGone: (holder) => holder === "gone",
    });
    await second.reached(job, "cancelled");
    expect(server.hits).toHaveLength(0);
  });
});
