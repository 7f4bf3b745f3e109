import { readdir, readFile, stat } from "node:fs/promises";
import type { ServerResponse } from "node:http";
import { basename, join } from "node:path";
import { describe, expect, it } from "vitest";
import { AppError } from "../../src/core/errors.ts";
import { FakeClock } from "../support/fake-clock.ts";
import { file, type Reply, says, scriptedGateway } from "../support/gateway-script.ts";
import { picture } from "../support/pictures.ts";
import { leftJob, openRig, type Rig, recordJob, until } from "../support/rig.ts";
import { tempDir } from "../support/temp-dir.ts";

const SECOND = 1_000;

async function visibleFiles(folder: string): Promise<string[]> {
  return (await filesIn(folder)).filter((path) => !basename(path).startsWith("."));
}

async function filesIn(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch(() => []);
  return entries.filter((one) => one.isFile()).map((one) => join(one.parentPath, one.name));
}

/** Sends the first bytes of a file, and the rest when it is told to. */
function slowly(bytes: Buffer, head: number, taken: (finish: () => void) => void): Reply {
  return (response: ServerResponse) => {
    response.writeHead(200, { "content-length": String(bytes.length) });
    response.write(bytes.subarray(0, head));
    response.flushHeaders();
    taken(() => response.end(bytes.subarray(head)));
  };
}

/** A job whose file is there, held by a process that fetches it. */
function downloading(origin: string) {
  return leftJob({
    baseUrl: origin,
    state: "downloading",
    requestId: "request-1",
    mediaUrls: [`${origin}/media/a`],
    createdAt: Date.parse("2026-11-20T12:00:00Z"),
  });
}

const KEY_HEADER = "ocp-apim-subscription-key";

interface Timed {
  rig: Rig;
  clock: FakeClock;
}

/** Lets time pass for processes, which do what is due one after the other. */
async function pass(ms: number, ...processes: Timed[]): Promise<void> {
  for (let left = ms; left > 0; left -= 5 * SECOND) {
    for (const { rig, clock } of processes) {
      await clock.advance(Math.min(left, 5 * SECOND));
      await rig.quiet();
    }
  }
}

/** Two processes on one folder, and a running job of the first; nobody is seen to be gone. */
async function openTwo() {
  const gateway = await scriptedGateway({ status: [says("PROCESSING")] });
  const folder = await tempDir();
  const open = async (holder: string): Promise<Timed> => {
    const clock = new FakeClock();
    const options = { origin: gateway.origin, clock, timeScale: 1, holder, folder, apiKey: holder };
    return { rig: await openRig(options), clock };
  };
  const first = await open("first");
  const job = await first.rig.reached(await first.rig.start(), "running");
  const second = await open("second");
  const isTaken = async () => (await second.rig.get(job)).orphaned;
  const looksOf = (holder: string) =>
    gateway.looks.filter((look) => look.headers[KEY_HEADER] === holder).length;
  return { first, second, isTaken, looksOf };
}

/** Makes what a process does with its store fail or do nothing. @returns what ends that. */
function spoil<T extends object>(target: T, method: keyof T & string, how: object) {
  Reflect.set(target, method, how);
  return () => Reflect.deleteProperty(target, method);
}

describe("a process that shows no life", () => {
  it("loses its jobs after thirty seconds and not before, and lets go of them", async () => {
    const { first, second, isTaken, looksOf } = await openTwo();
    await pass(60 * SECOND, first, second);
    expect(await isTaken()).toBe(false);
    expect(looksOf("second")).toBe(0);

    const { store } = first.rig;
    const held = await store.beat("first");
    const goOn = spoil(store, "beat", async () => held);
    await pass(25 * SECOND, first, second);
    expect(await isTaken()).toBe(false);
    await pass(15 * SECOND, first, second);
    expect(await isTaken()).toBe(true);

    // It comes back, and hears at its next beat that the job is another's.
    goOn();
    await pass(10 * SECOND, first, second);
    const [own, others] = [looksOf("first"), looksOf("second")];
    await pass(60 * SECOND, first, second);
    expect(looksOf("first")).toBe(own);
    expect(looksOf("second")).toBeGreaterThan(others);
  });

  it("keeps its jobs where the other one did not run either", async () => {
    const { first, second, isTaken } = await openTwo();
    for (let i = 0; i < 3; i++) {
      await pass(20 * SECOND, first, second);
      for (const { clock } of [first, second]) clock.sleep(300 * SECOND);
      // The other one wakes up first, and sees a beat as old as its own sleep.
      await pass(20 * SECOND, second);
      expect(await isTaken()).toBe(false);
    }
  });

  it.each([60, 65, 70, 75, 80, 85, 90, 95])(
    "keeps its jobs where nobody could write for %i seconds",
    async (seconds) => {
      const { first, second, isTaken } = await openTwo();
      await pass(15 * SECOND, first, second);
      const full = () => {
        throw new AppError("storage", "The disk is full.");
      };
      const takeOver = async (_holder: string, gone: string[]) => (gone.length > 0 ? full() : []);
      const empty = [first, second].flatMap(({ rig: { store, connection } }) => [
        spoil(store, "takeOver", takeOver),
        spoil(connection, "run", full),
      ]);
      await pass(seconds * SECOND, first, second);
      for (const end of empty) end();
      await pass(60 * SECOND, second, first);
      expect(await isTaken()).toBe(false);
    },
  );
});

describe("two processes that fetch a file of one job", () => {
  it("never make a damaged file of it, and leave nothing unfinished", async () => {
    const bytes = await picture("png", { width: 300, height: 300 });
    const finish: (() => void)[] = [];
    const note = (one: () => void) => void finish.push(one);
    const half = bytes.length >> 1;
    const gateway = await scriptedGateway({
      media: [slowly(bytes, half, note), slowly(bytes, 0, note), file(bytes)],
    });
    const job = downloading(gateway.origin);
    const first = await openRig({
      origin: gateway.origin,
      holder: "first",
      before: (store) => recordJob(store, { ...job, orphaned: true }, "gone"),
      isGone: (holder) => holder === "gone",
    });
    const sizes = async () =>
      Promise.all((await filesIn(first.outputDir)).map(async (path) => (await stat(path)).size));
    await until(async () => (await sizes())[0] === half, "the first half");

    // The other one takes the first for gone and begins anew, before the first has ended.
    const second = await openRig({
      origin: gateway.origin,
      holder: "second",
      folder: first.folder,
      isGone: () => true,
    });
    await until(() => finish.length === 2);
    await until(async () => (await sizes())[0] === 0, "the second's empty file");
    finish[0]?.();
    await first.reached(job, "completed");
    for (const path of await visibleFiles(first.outputDir)) {
      expect((await readFile(path)).equals(bytes), path).toBe(true);
    }

    finish[1]?.();
    await until(async () => (await filesIn(first.outputDir)).length === 1, "the end of the second");
    const { media } = await second.get(job);
    expect(await filesIn(first.outputDir)).toEqual(media.map((medium) => medium.path));
    expect(media).toHaveLength(1);
    expect((await readFile(media[0]?.path ?? "")).equals(bytes)).toBe(true);
  });

  it("are one again as soon as the one that lost the job hears of it", async () => {
    const bytes = await picture();
    const clock = new FakeClock();
    let isCut = false;
    const gateway = await scriptedGateway({
      media: [
        (response, hit) => {
          response.on("close", () => {
            isCut = true;
          });
          return slowly(bytes, 1, () => undefined)(response, hit);
        },
        file(bytes),
      ],
    });
    const job = downloading(gateway.origin);
    const open = (holder: string, gone: string, folder?: string): Promise<Rig> =>
      openRig({
        origin: gateway.origin,
        clock,
        holder,
        isGone: (other) => other === gone,
        ...(folder === undefined ? { before: (store) => recordJob(store, job, gone) } : { folder }),
      });
    const first = await open("first", "nobody");
    await until(() => gateway.fetches.length === 1);
    const second = await open("second", "first", first.folder);
    await second.reached(job, "completed");
    expect(isCut).toBe(false);
    await clock.advance(10 * SECOND);
    await until(() => isCut, "the end of the first download");
    await clock.advance(60 * SECOND);
    await first.quiet();
    expect(gateway.fetches).toHaveLength(2);
    await until(async () => (await filesIn(first.outputDir)).length === 1, "nothing left of it");
    expect(await filesIn(first.outputDir)).toEqual([(await first.get(job)).media[0]?.path]);
  });
});

it("of many jobs that were left, others get their turn before all are taken up", async () => {
  const gateway = await scriptedGateway({ status: [says("PROCESSING")] });
  let turns = 0;
  const begun: number[] = [];
  const turn = () => {
    turns++;
    if (turns < 10_000) setImmediate(turn);
  };
  await openRig({
    ...{ origin: gateway.origin, clock: new FakeClock() },
    before: async (store) => {
      const left = Array.from({ length: 600 }, () =>
        leftJob({ baseUrl: gateway.origin, state: "running", requestId: "request-1" }),
      );
      await Promise.all(left.map((job) => recordJob(store, job, "gone")));
      await store.release("gone");
      const takeOver = store.takeOver.bind(store);
      store.takeOver = (...args) => {
        begun.push(turns);
        return takeOver(...args);
      };
      turn();
    },
  });
  turns = 10_000;
  expect(begun.length).toBeGreaterThan(2);
  expect(new Set(begun).size).toBe(begun.length);
});
