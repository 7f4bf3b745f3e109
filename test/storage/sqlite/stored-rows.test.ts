import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { beforeEach, expect, it, onTestFinished } from "vitest";
import { OWNER } from "../../support/rig.ts";
import { tempDir } from "../../support/temp-dir.ts";
import { open } from "./opener.ts";

/* What earlier versions have written beside jobs and threads. */

let folder: string;

beforeEach(async () => {
  folder = join(await tempDir(), "data");
  await mkdir(folder);
});

async function storedDatabase(version: number): Promise<void> {
  const name = `../../fixtures/jobs-v${version}.db.gz`;
  const packed = await readFile(join(import.meta.dirname, name));
  await writeFile(join(folder, "jobs.db"), gunzipSync(packed));
}

it("hosted files of before there were owners are the local one's, and needed as they were", async () => {
  await storedDatabase(10);
  const { hosting, jobs } = await open(folder, { now: 1_795_176_000_000 + 2 * 24 * 3_600_000 });
  onTestFinished(() => jobs.close());
  const named = (letter: string) => `job_${letter.repeat(26)}`;
  for (const letter of ["a", "c", "e", "z"]) {
    expect(await hosting.filesOf(OWNER, named(letter))).toEqual([
      { name: `${letter.repeat(26)}.png`, sizeBytes: 3 },
    ]);
  }
  expect((await hosting.overdue()).map(({ owner, jobId }) => `${owner} ${jobId}`).sort()).toEqual([
    `${OWNER} ${named("e")}`,
    `${OWNER} ${named("z")}`,
  ]);
});

it("webhooks of version 14 still lead to their jobs, one that had been heard is dealt with, and its user may call", async () => {
  await storedDatabase(14);
  const { jobs, webhooks, users, uploads } = await open(folder);
  onTestFinished(() => jobs.close());
  for (const [letter, state] of [
    ["r", "running"],
    ["u", "unknown"],
    ["s", "submitting"],
  ] as const) {
    const found = await webhooks.find(letter.repeat(26));
    expect(found?.job).toMatchObject({ owner: OWNER, state });
    expect(await webhooks.isExpected(OWNER, found?.job.jobId ?? "")).toBe(true);
  }
  expect(await webhooks.find("x".repeat(26))).toBeUndefined();
  await jobs.takeOver("me", ["a-process-that-is-gone"], undefined);
  const taker = { holder: "me", baseUrl: "https://gateway.example", now: 1, patienceMs: 1_000 };
  expect(await webhooks.take({ ...taker, isGone: () => false })).toMatchObject([
    { owner: OWNER, requestId: "z-image-turbo-834_heard" },
  ]);
  expect(await users.everExisted()).toBe(true);
  expect(await users.byTokenHash("ab".repeat(32))).toMatchObject({
    ...{ name: "ann", scopes: ["jobs:read"], caps: { perDayUsd: 1 } },
  });
  expect(await uploads.files()).toEqual([]);
});

it("uploads of version 15 are there as they were, and an address that was open takes its file", async () => {
  await storedDatabase(15);
  const { jobs, uploads } = await open(folder);
  onTestFinished(() => jobs.close());
  const at = { createdAt: 1_795_176_000_000, endsAt: 1_795_176_900_000 };
  const text = { kind: "text", mimeType: "text/plain", extension: "txt" } as const;
  const known = { file: `${"c".repeat(26)}.txt`, sizeBytes: 8, sha256: "ab", ...text };
  const times = { receivedAt: 1_795_176_000_001, keptUntil: 1_795_780_800_001 };
  const open15 = await uploads.bySecret("a".repeat(64));
  expect(open15).toEqual({
    ...{ uploadId: "a".repeat(26), owner: OWNER, secretHash: "a".repeat(64), ...at },
    ...{ filename: undefined, received: undefined },
  });
  expect(await uploads.received(OWNER)).toEqual([
    {
      ...{ uploadId: "b".repeat(26), owner: OWNER, secretHash: "b".repeat(64), ...at },
      ...{ filename: "notes.md", received: { ...known, ...times } },
    },
  ]);
  const file = { ...known, ...times, file: "new.txt" };
  expect(await uploads.receive("a".repeat(26), file)).toBe("received");
});
