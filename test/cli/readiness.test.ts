import { rm } from "node:fs/promises";
import { expect, test } from "vitest";
import { Readiness, type ReadinessOptions } from "../../src/cli/readiness.ts";
import { AppError } from "../../src/core/errors.ts";
import { FakeClock } from "../support/fake-clock.ts";
import { tempDir } from "../support/temp-dir.ts";

const KEY = "key-0123456789abcdef";

async function server(change: Partial<ReadinessOptions> = {}) {
  const dataDir = await tempDir();
  const clock = new FakeClock();
  const stopping = new AbortController();
  const looks = { store: 0, room: 0 };
  const settings: ReadinessOptions["settings"] = {
    ...{
      apiKey: KEY,
      chatApiKey: undefined,
      mediaBucket: undefined,
      dataDir,
      sandbox: false,
      keysDir: undefined,
      toolsets: ["images", "chat"],
    },
  };
  const options: ReadinessOptions = {
    ...{ settings, clock, stopping: stopping.signal },
    askStore: async () => looks.store++,
    checkRoom: async () => looks.room++,
    ...change,
  };
  return { dataDir, clock, stopping, looks, settings, readiness: new Readiness(options) };
}

const fails = (message: string) => async () => {
  throw new AppError("storage", message);
};

test("a server that can record, keep and pay is ready", async () => {
  expect(await (await server()).readiness.reasons()).toEqual([]);
});

test("one that cannot says what is wrong, and nothing of where or why", async () => {
  const secret = `/home/somebody/data: ${KEY}`;
  const { readiness, dataDir } = await server({
    askStore: fails(secret),
    checkRoom: fails(secret),
  });
  await rm(dataDir, { recursive: true });
  const reasons = await readiness.reasons();
  expect(reasons).toEqual([
    "The job database cannot be used.",
    "The data folder cannot be written.",
    "The output folder cannot be written, or its disk is full.",
  ]);
  expect(JSON.stringify(reasons)).not.toContain(KEY);
});

test.each([
  ["configuration", "The bucket for files is not there, or does not take the keys."],
  [
    "storage",
    "The bucket for files cannot be reached or answers with errors, or the disk is full.",
  ],
] as const)("a bucket that cannot be used (%s) is told of without its name", async (code, told) => {
  const { settings } = await server();
  const endpoint = "https://s3.example.com";
  const mediaBucket: ReadinessOptions["settings"]["mediaBucket"] = {
    address: {
      ...{ bucket: "files", prefix: "", endpoint, publicEndpoint: endpoint },
      ...{ region: "eu-central-1", style: "path" },
    },
    keys: { accessKeyId: KEY, secretAccessKey: KEY, sessionToken: undefined },
  };
  const { readiness } = await server({
    settings: { ...settings, mediaBucket },
    checkRoom: async () => {
      throw new AppError(code, `s3://files at ${endpoint}: ${KEY}`);
    },
  });
  expect(await readiness.reasons()).toEqual([told]);
});

test.each([
  ["no key", {}, false],
  ["a key for pictures alone", { apiKey: KEY }, true],
  ["a key for chat alone", { chatApiKey: KEY }, true],
  ["a key for what is not offered", { chatApiKey: KEY, toolsets: ["images"] }, false],
  ["a key that no request can carry", { apiKey: "“key”" }, false],
  ["one such, and one that is good", { apiKey: "“key”", chatApiKey: KEY }, true],
  ["no key in the sandbox", { sandbox: true }, true],
  ["keys of the users' own", { keysDir: import.meta.dirname }, true],
  ["a folder of such keys that is gone", { apiKey: KEY, keysDir: "/nowhere/at/all" }, false],
] as const)("%s", async (_, change, isReady) => {
  const { settings } = await server();
  const none = { apiKey: undefined, chatApiKey: undefined };
  const { readiness } = await server({ settings: { ...settings, ...none, ...change } });
  const reasons = await readiness.reasons();
  // The folder of the first server serves both.
  expect(reasons).toEqual(isReady ? [] : ["There is no API key that can be used."]);
});

test("it is looked once a second at most, however many ask", async () => {
  const { readiness, looks, clock } = await server();
  await Promise.all(Array.from({ length: 100 }, () => readiness.reasons()));
  expect(looks).toEqual({ store: 1, room: 1 });
  await clock.advance(999);
  await readiness.reasons();
  expect(looks).toEqual({ store: 1, room: 1 });
  await clock.advance(1);
  await readiness.reasons();
  expect(looks).toEqual({ store: 2, room: 2 });
});

test("what hangs is not ready", async () => {
  const { readiness, clock } = await server({ askStore: () => new Promise(() => {}) });
  const asked = readiness.reasons();
  await clock.advance(3_000);
  expect(await asked).toContain("The job database cannot be used.");
});

test("one that is asked to end is not ready at once", async () => {
  const { readiness, stopping } = await server();
  expect(await readiness.reasons()).toEqual([]);
  stopping.abort();
  expect(await readiness.reasons()).toEqual(["The server is shutting down."]);
});
