import { describe, expect, it, vi } from "vitest";
import { AppError } from "../../src/core/errors.ts";
import { answering, chunk, held, openChatRig, stream, threadOf } from "../support/chat-rig.ts";
import { FakeClock } from "../support/fake-clock.ts";
import { fillDisk } from "../support/full-store.ts";
import { deadOrigin, json, rawServer } from "../support/raw-server.ts";
import { leftJob, OWNER, recordJob, until } from "../support/rig.ts";
import { tempDir } from "../support/temp-dir.ts";

describe("an answer that is still coming", () => {
  it("is on disk within a second, and told about at once", async () => {
    const clock = new FakeClock();
    const server = await held();
    const rig = await openChatRig({ origin: server.origin, clock });
    const told: string[] = [];
    rig.events.subscribeToAll((job) => told.push(job.state));
    const job = await rig.ask("Long?");
    const response = await server.next();
    await rig.reached(job, "running");
    const before = told.length;
    response.write(chunk("First"));
    await until(() => rig.delegate.live(job.jobId)?.characters === 5);
    expect(told.length).toBe(before + 1);
    expect((await rig.threads.said(OWNER, job.jobId)).answer).toBe("");
    await clock.advance(1_000);
    expect((await rig.threads.said(OWNER, job.jobId)).answer).toBe("First");

    response.write(chunk(" second"));
    await until(() => rig.delegate.live(job.jobId)?.characters === 12);
    await clock.advance(1_000);
    expect((await rig.threads.said(OWNER, job.jobId)).answer).toBe("First second");
    response.end("data: [DONE]\n\n");
    await rig.reached(job, "completed");
  });

  it("is kept as partial when the stream is cut", async () => {
    const server = await held();
    const rig = await openChatRig({ origin: server.origin });
    const job = await rig.ask("Cut?");
    const response = await server.next();
    response.write(chunk("Half an"), () => response.destroy());
    await rig.reached(job, "completed");
    expect((await rig.threads.said(OWNER, job.jobId)).answer).toBe("Half an");
    expect((await rig.threads.turn(OWNER, job.jobId))?.outcome?.brokeOff).toMatch(
      /^The answer broke off/,
    );
    expect(server.hits).toHaveLength(1);
  });

  it("is unknown when nothing at all had come, and is not asked for again", async () => {
    const server = await held();
    const rig = await openChatRig({ origin: server.origin });
    const job = await rig.ask("Cut?");
    (await server.next()).destroy();
    const ended = await rig.reached(job, "unknown");
    expect(ended.error?.code).toBe("outcome_unknown");
    expect(server.hits).toHaveLength(1);
  });

  it("is unknown when it ended without a word and without an end mark", async () => {
    const server = await held();
    const rig = await openChatRig({ origin: server.origin });
    const job = await rig.ask("Empty?");
    (await server.next()).end(chunk(""));
    expect(await rig.reached(job, "unknown")).toMatchObject({ charge: "uncertain" });
    expect((await rig.ask("Empty?")).jobId).toBe(job.jobId);
    expect(server.hits).toHaveLength(1);
  });

  it("is kept as partial by the next process when this one is gone", async () => {
    const folder = await tempDir();
    const clock = new FakeClock();
    const server = await held();
    const first = await openChatRig({ origin: server.origin, clock, folder, holder: "gone" });
    const job = await first.ask("Killed?");
    const response = await server.next();
    await first.reached(job, "running");
    response.write(chunk("So far"));
    await until(() => first.delegate.live(job.jobId)?.characters === 6);
    await clock.advance(1_000);

    const second = await openChatRig({
      origin: server.origin,
      clock,
      folder,
      holder: "second",
      isGone: (holder) => holder === "gone",
    });
    await second.reached(job, "completed");
    expect((await second.threads.turn(OWNER, job.jobId))?.outcome).toEqual({
      brokeOff: "the server stopped",
    });
    expect((await second.threads.said(OWNER, job.jobId)).answer).toBe("So far");
    expect((await second.runner.untold.of(OWNER)).map(({ jobId }) => jobId)).toEqual([job.jobId]);
    expect(server.hits).toHaveLength(1);
    response.destroy();
  });

  it("is unknown to the next process if nothing had come", async () => {
    const folder = await tempDir();
    const server = await held();
    const first = await openChatRig({ origin: server.origin, folder, holder: "gone" });
    const job = await first.ask("Killed?");
    const response = await server.next();
    await first.reached(job, "running");
    const second = await openChatRig({
      origin: server.origin,
      folder,
      holder: "second",
      isGone: (holder) => holder === "gone",
    });
    await second.reached(job, "unknown");
    expect(server.hits).toHaveLength(1);
    response.destroy();
  });

  it.each([
    ["had come in part", "So far", "completed"],
    ["had not come", "", "unknown"],
  ] as const)(
    "is settled by the next process at another base if it %s",
    async (_n, said, state) => {
      const folder = await tempDir();
      const clock = new FakeClock();
      const server = await held();
      const first = await openChatRig({ origin: server.origin, clock, folder, holder: "gone" });
      const purchase = leftJob({ baseUrl: server.origin, state: "running", requestId: "r" });
      await recordJob(first.store, purchase, "gone");
      const job = await first.ask("Killed?");
      const response = await server.next();
      await first.reached(job, "running");
      if (said !== "") response.write(chunk(said));
      await until(() => first.delegate.live(job.jobId)?.characters === said.length);
      await clock.advance(1_000);

      const isGone = (holder: string) => holder === "gone";
      const elsewhere = await deadOrigin();
      const second = await openChatRig({ origin: elsewhere, clock, folder, holder: "new", isGone });
      await second.reached(job, state);
      // Purchases of another base are left alone.
      expect(await second.get(purchase)).toMatchObject({ state: "running", orphaned: false });
      const { busyWith } = await second.threads.delete(OWNER, threadOf(job), clock.now());
      expect(busyWith).toBeUndefined();
      response.destroy();
    },
  );

  it("is not sent elsewhere by the next process at another base", async () => {
    const folder = await tempDir();
    const clock = new FakeClock();
    const origin = await deadOrigin();
    const first = await openChatRig({ origin, clock, folder, holder: "gone", timeScale: 1 });
    const job = await first.ask("Queued?");
    await until(async () => (await first.get(job)).error !== null);
    const server = await answering();
    const isGone = (holder: string) => holder === "gone";
    const second = await openChatRig({ origin: server.origin, clock, folder, holder: "b", isGone });
    expect((await second.reached(job, "cancelled")).error?.message).toContain("another base URL");
    expect((await second.threads.turn(OWNER, job.jobId))?.isOpen).toBe(false);
    expect(server.hits).toHaveLength(0);
  });

  it("may go on for a moment when the server is stopped, and is then kept", async () => {
    const folder = await tempDir();
    const clock = new FakeClock();
    const server = await held();
    const rig = await openChatRig({ origin: server.origin, clock, folder });
    const job = await rig.ask("Stopped?");
    const response = await server.next();
    await rig.reached(job, "running");
    response.write(chunk("Until now"));
    await until(() => rig.delegate.live(job.jobId)?.characters === 9);
    const closing = rig.close();
    let closed = false;
    void closing.then(() => {
      closed = true;
    });
    while (!closed) await clock.advance(1_000);
    const next = await openChatRig({ origin: server.origin, folder });
    expect((await next.get(job)).state).toBe("completed");
    expect((await next.threads.said(OWNER, job.jobId)).answer).toBe("Until now");
  });
});

describe("a disk that is full for a while", () => {
  const full = () => new AppError("storage", "The job database cannot be used: disk is full.");

  it("makes no hole in an answer", async () => {
    const clock = new FakeClock();
    const server = await held();
    const rig = await openChatRig({ origin: server.origin, clock });
    const append = vi.spyOn(rig.threads, "append").mockRejectedValueOnce(full());
    const job = await rig.ask("Long?");
    const response = await server.next();
    await rig.reached(job, "running");
    response.write(chunk("First"));
    await until(() => rig.delegate.live(job.jobId)?.characters === 5);
    await clock.advance(1_000);
    expect(append).toHaveBeenCalledTimes(1);
    expect(rig.runner.heldUpBy(job.jobId)).toContain("disk is full");
    // By itself, though nothing more comes.
    await clock.advance(1_000);
    expect((await rig.threads.said(OWNER, job.jobId)).answer).toBe("First");
    expect(rig.runner.heldUpBy(job.jobId)).toBeUndefined();

    append.mockRejectedValueOnce(full());
    response.write(chunk(" second"));
    await until(() => rig.delegate.live(job.jobId)?.characters === 12);
    await clock.advance(1_000);
    response.end(`${chunk(" third")}data: [DONE]\n\n`);
    await rig.reached(job, "completed");
    expect((await rig.threads.said(OWNER, job.jobId)).answer).toBe("First second third");
  });

  it("is waited for at an answer's end, and says so", async () => {
    const server = await answering();
    const clock = new FakeClock();
    const rig = await openChatRig({ origin: server.origin, clock, timeScale: 1 });
    const append = vi.spyOn(rig.threads, "append").mockRejectedValue(full());
    const job = await rig.ask("Whole?");
    await until(() => append.mock.calls.length > 0);
    expect(rig.runner.heldUpBy(job.jobId)).toContain("disk is full");
    expect((await rig.get(job)).state).toBe("running");
    expect((await rig.ask("Whole?")).jobId).toBe(job.jobId);
    append.mockRestore();
    await clock.advance(500);
    await rig.reached(job, "completed");
    expect((await rig.threads.said(OWNER, job.jobId)).answer).toBe("Answer 1.");
    expect(rig.runner.heldUpBy(job.jobId)).toBeUndefined();
    expect(server.hits).toHaveLength(1);
  });

  it.each([
    ["answered", 200, "completed"],
    ["refused", 400, "failed"],
  ] as const)("does not leave a turn open that was %s", async (_name, status, state) => {
    const server = await rawServer((_hit, response) =>
      status === 200 ? stream(response, chunk("Yes.")) : json(response, status, {}),
    );
    const rig = await openChatRig({ origin: server.origin });
    const finish = vi.spyOn(rig.threads, "finish").mockRejectedValueOnce(full());
    const job = await rig.reached(await rig.ask("?"), state);
    expect(finish).toHaveBeenCalledTimes(2);
    expect((await rig.threads.turn(OWNER, job.jobId))?.isOpen).toBe(false);
    expect(server.hits).toHaveLength(1);
  });

  it("sends nothing that has waited for ten minutes", async () => {
    const clock = new FakeClock();
    const server = await answering();
    const rig = await openChatRig({ origin: server.origin, clock, timeScale: 1 });
    const disk = fillDisk(rig.store, 1);
    const job = await rig.ask("Late?");
    await until(() => rig.runner.heldUpBy(job.jobId));
    for (let minutes = 0; minutes < 11; minutes++) await clock.advance(60_000);
    disk.empty();
    await clock.advance(30_000);
    await rig.reached(job, "cancelled");
    expect((await rig.threads.turn(OWNER, job.jobId))?.isOpen).toBe(false);
    expect(server.hits).toHaveLength(0);
  });

  it("leaves what was written to the next process when this one is stopped", async () => {
    const folder = await tempDir();
    const clock = new FakeClock();
    const server = await held();
    const rig = await openChatRig({ origin: server.origin, clock, folder });
    const job = await rig.ask("Stopped?");
    const response = await server.next();
    await rig.reached(job, "running");
    response.write(chunk("Written"));
    await until(() => rig.delegate.live(job.jobId)?.characters === 7);
    await clock.advance(1_000);
    const append = vi.spyOn(rig.threads, "append").mockRejectedValue(full());
    response.end(`${chunk(" and not")}data: [DONE]\n\n`);
    await until(() => append.mock.calls.length > 0);
    await rig.close();
    const next = await openChatRig({ origin: server.origin, folder });
    await next.reached(job, "completed");
    expect((await next.threads.said(OWNER, job.jobId)).answer).toBe("Written");
    expect((await next.threads.turn(OWNER, job.jobId))?.outcome?.brokeOff).toBe(
      "the server stopped",
    );
  });
});
