import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { queryWords } from "../../../src/core/search-words.ts";
import type { WholeJob } from "../../../src/jobs/job.ts";
import type { JobQuery } from "../../../src/jobs/job-store.ts";
import { Connection } from "../../../src/storage/sqlite/connection.ts";
import { SqliteJobStore } from "../../../src/storage/sqlite/sqlite-job-store.ts";
import { aJob } from "../../support/made-jobs.ts";
import { NO_LIMITS, OWNER } from "../../support/rig.ts";

/** More than are looked at one by one, or to know where a time begins. */
const JOBS = 1_300;
const MINUTE_MS = 60_000;
const NOON = Date.parse("2026-11-20T12:00:00Z");

let folder: string;
let store: SqliteJobStore;
let jobs: WholeJob[];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "longcat-list-"));
  const connection = new Connection(folder);
  connection.all("PRAGMA synchronous=OFF", []);
  store = new SqliteJobStore(connection);
  jobs = Array.from({ length: JOBS }, (_, n) =>
    aJob({
      // A clock that was set back once.
      createdAt: NOON + (n > 700 ? n - 50 : n) * MINUTE_MS,
      state: n % 400 === 3 ? "failed" : n % 5 === 0 ? "errored" : "completed",
      operation: n % 3 === 0 ? "qwen_image_edit" : "z_image_turbo_generate",
      input: { prompt: `Picture ${n} of ${n % 2 === 0 ? "a lighthouse" : "a light"}` },
      owner: n % 10 === 9 ? "anna" : OWNER,
    }),
  );
  const rules = { forceNew: true, limits: NO_LIMITS, now: NOON };
  await Promise.all(jobs.map((job) => store.admit(job, "me", rules)));
});

afterAll(async () => {
  await store.close();
  await rm(folder, { recursive: true });
});

/** All pages of a query. */
async function all(query: Partial<JobQuery>): Promise<string[]> {
  const found: string[] = [];
  for (let cursor: string | undefined; ; ) {
    const page = await store.list({
      ...{ owner: OWNER, limit: 100, ...query },
      ...(cursor === undefined ? {} : { cursor }),
    });
    found.push(...page.jobs.map(({ jobId }) => jobId));
    cursor = page.nextCursor;
    if (cursor === undefined) return found;
  }
}

const at = (minutes: number) => NOON + minutes * MINUTE_MS;
const wanted: [string, Partial<JobQuery>, (job: WholeJob, n: number) => boolean][] = [
  ["since the first", { span: { since: NOON } }, () => true],
  ["since some time", { span: { since: at(100) } }, ({ createdAt }) => createdAt >= at(100)],
  ["since lately", { span: { since: at(1_200) } }, ({ createdAt }) => createdAt >= at(1_200)],
  ["since tomorrow", { span: { since: at(9_999) } }, () => false],
  ["before some time", { span: { before: at(690) } }, ({ createdAt }) => createdAt < at(690)],
  [
    "between two moments",
    { span: { since: at(640), before: at(660) } },
    ({ createdAt }) => createdAt >= at(640) && createdAt < at(660),
  ],
  ["of a rare state", { states: ["failed"] }, ({ state }) => state === "failed"],
  [
    "of rare states, and a time",
    { states: ["failed", "cancelled"], span: { since: at(300) } },
    ({ state, createdAt }) => state === "failed" && createdAt >= at(300),
  ],
  ["of a state that none has", { states: ["cancelled"] }, () => false],
  [
    "of a common state, of an operation",
    { states: ["errored", "failed"], operation: "qwen_image_edit" },
    ({ state, operation }) => state !== "completed" && operation === "qwen_image_edit",
  ],
  [
    "of a rare state, of an operation",
    { states: ["failed"], operation: "qwen_image_edit" },
    ({ state, operation }) => state === "failed" && operation === "qwen_image_edit",
  ],
  ["with a word", { words: queryWords("lighthouse") }, (_, n) => n % 2 === 0],
  ["with a word's beginning", { words: queryWords("light") }, () => true],
  [
    "with a word, of a rare state",
    { words: queryWords("lighthouse picture"), states: ["failed"] },
    ({ state }, n) => state === "failed" && n % 2 === 0,
  ],
  [
    "with a beginning, of a rare state",
    { words: queryWords("LIGHT"), states: ["failed"] },
    ({ state }) => state === "failed",
  ],
  [
    "with the middle of a word, of a rare state",
    { words: queryWords("house"), states: ["failed"] },
    () => false,
  ],
  [
    "with a short word, of a rare state",
    { words: queryWords("3"), states: ["failed"] },
    ({ state }, n) => state === "failed" && n === 3,
  ],
  [
    "with a word, of a common state",
    { words: queryWords("lighthouse"), states: ["errored"] },
    ({ state }, n) => state === "errored" && n % 2 === 0,
  ],
];

it.each(wanted)(
  "lists jobs %s: all of them, the newest first, and no other's",
  async (_, query, is) => {
    const expected = jobs.filter((job, n) => job.owner === OWNER && is(job, n));
    expect(await all(query)).toEqual(expected.map(({ jobId }) => jobId).toReversed());
  },
);
