import { LOCAL_OWNER } from "../src/core/owner.ts";
import { queryWords } from "../src/core/search-words.ts";
import type { Medium } from "../src/jobs/job.ts";
import type { JobQuery } from "../src/jobs/job-store.ts";
import { BLANK, NO_LIMITS } from "../src/jobs/record.ts";
import { Connection } from "../src/storage/sqlite/connection.ts";
import { SqliteJobStore } from "../src/storage/sqlite/sqlite-job-store.ts";

/** They are asked for, and never reached. */
const NO_QUOTAS = { runningJobs: Number.MAX_SAFE_INTEGER, keptBytes: Number.MAX_SAFE_INTEGER };
const AT_ONCE = 1_000;
const TRIES = 7;
const OPERATIONS = ["z_image_turbo_generate", "qwen_image_generate", "qwen_image_edit"];
const THINGS = ["cabin", "boat", "whale", "fox", "harbour", "lighthouse", "meadow"];

export interface SearchFigures {
  /** The slowest of some searches, in milliseconds of processor time, as the others. */
  searchMs: number;
  rareMs: number;
  listMs: number;
  stateMs: number;
  /** All that is asked and written of one more job before it is sent. */
  startMs: number;
  spendingMs: number;
}

/** Looks for jobs among many, in a store of its own. */
export async function measureSearch(folder: string, recorded: number): Promise<SearchFigures> {
  let jobs = recorded;
  const connection = new Connection(folder);
  // They are only made to be looked for.
  connection.all("PRAGMA synchronous=OFF", []);
  const store = new SqliteJobStore(connection);
  try {
    for (let done = 0; done < recorded; done += AT_ONCE) {
      const some = Array.from({ length: Math.min(AT_ONCE, recorded - done) }, (_, n) => done + n);
      await Promise.all(some.map((n) => store.admit(...made(n))));
    }
    const list = (query: Partial<JobQuery>) =>
      fastest(() => store.list({ owner: LOCAL_OWNER, limit: 20, ...query }));
    const search = (query: string) => list({ words: queryWords(query) });
    const common = [await search("picture"), await search("qwen edit"), await search("whale 猫")];
    return {
      searchMs: Math.max(...common),
      rareMs: await search(`number ${recorded - 1}`),
      listMs: await list({}),
      stateMs: await list({ states: ["cancelled"] }),
      startMs: await fastest(() => startOne(store, jobs++)),
      spendingMs: await fastest(() => store.spending(LOCAL_OWNER, Date.now())),
    };
  } finally {
    await store.close();
  }
}

function made(n: number): Parameters<SqliteJobStore["admit"]> {
  const words = [0, 1, 2].map((step) => THINGS[(n * 31 + step * 7 + (n >> 3)) % THINGS.length]);
  const prompt = `A picture of a ${words.join(" and a ")}, number ${n}${n % 97 === 0 ? ", 黒い猫" : ""}`;
  const at = n * 60_000;
  const job = {
    ...BLANK,
    jobId: `job_${String(n).padStart(26, "a")}`,
    owner: LOCAL_OWNER,
    operation: OPERATIONS[n % OPERATIONS.length] ?? "",
    input: { prompt, image_size: "square_1_1" },
    baseUrl: "https://gateway.example",
    state: "completed" as const,
    charge: "spent" as const,
    costUsd: 0.05,
    media: [medium(n)],
    createdAt: at,
    updatedAt: at,
  };
  return [job, "bench", { forceNew: true, limits: NO_LIMITS, now: Number.MAX_SAFE_INTEGER / 2 }];
}

function medium(n: number): Medium {
  return {
    ...{ index: 1, url: "", path: `/pictures/${n}.png`, mimeType: "image/png" },
    ...{ sizeBytes: 1_000_000, sha256: "", copies: [] },
  };
}

/** As a start of one of several users does it, without a limit that forbids it. */
async function startOne(store: SqliteJobStore, n: number): Promise<void> {
  const [job, holder, given] = made(n);
  const rules = { ...given, forceNew: false, quotas: NO_QUOTAS };
  const asked = { ...job, fingerprint: `fingerprint ${n}` };
  await store.findDuplicate(asked, rules);
  await store.held(LOCAL_OWNER);
  await store.committed(LOCAL_OWNER, rules.now);
  await store.admit(asked, holder, rules);
}

/** @returns the least processor time of some tries, in milliseconds. */
async function fastest(work: () => Promise<unknown>): Promise<number> {
  let best = Number.POSITIVE_INFINITY;
  for (let n = 0; n < TRIES; n++) {
    const before = process.cpuUsage();
    await work();
    const { user, system } = process.cpuUsage(before);
    best = Math.min(best, (user + system) / 1_000);
  }
  return best;
}
