import postgres from "postgres";
import { expect, onTestFinished, test, vi } from "vitest";
import { systemClock } from "../../src/core/clock.ts";
import { openPostgres } from "../../src/storage/postgres/open-postgres.ts";
import { BASE } from "../contracts/kit.ts";
import { PATIENTLY } from "../e2e/harness.ts";
import { leftJob, recordJob } from "../support/rig.ts";
import { ask, freshDatabase } from "./fresh-database.ts";

/** The record as a replica opens it. */
async function opened(url: string, holder: string, prepares = true) {
  const by = { clock: systemClock, holder, isGone: () => false };
  const stores = await openPostgres({ url, prepares, schema: "longcat_mcp" }, by);
  onTestFinished(() => stores.close());
  return stores;
}

/** How often a replica has been told to look. */
function hintsOf({ onHint = () => () => {} }: Awaited<ReturnType<typeof opened>>) {
  let hints = 0;
  onTestFinished(onHint(() => hints++));
  return () => hints;
}

const LISTENING = "SELECT pid FROM pg_stat_activity WHERE query LIKE 'LISTEN%'";
const listening = (url: string) =>
  vi.waitFor(async () => {
    const rows = await ask(url, `${LISTENING} AND datname = current_database()`);
    expect(rows).toHaveLength(1);
    return Number(rows[0]?.["pid"]);
  }, PATIENTLY);

test("what one changes, the other is told to look at; ids of jobs are all that is said", async () => {
  const url = await freshDatabase();
  const [one, other] = [await opened(url, "one"), await opened(url, "other")];
  const hints = hintsOf(other);
  await listening(url);
  const said: string[] = [];
  const listener = postgres(url, { max: 1, onnotice: () => {} });
  onTestFinished(() => listener.end());
  await listener.listen("longcat_mcp_changes", (payload) => said.push(payload));
  const before = hints();
  const job = leftJob({ baseUrl: BASE });
  await recordJob(one.jobs, job, "one");
  await vi.waitFor(() => expect(hints()).toBeGreaterThan(before), PATIENTLY);
  expect((await other.jobs.changes()).map(({ jobId }) => jobId)).toEqual([job.jobId]);
  await vi.waitFor(() => expect(said).not.toEqual([]), PATIENTLY);
  expect(said[0]).toMatch(new RegExp(`^[0-9a-f]{12} ${job.jobId}$`));
});

test("whoever is cut off while listening listens again, and looks at what it has missed", async () => {
  const url = await freshDatabase();
  const one = await opened(url, "one");
  const hints = hintsOf(one);
  const pid = await listening(url);
  await vi.waitFor(() => expect(hints()).toBe(1), PATIENTLY);
  await ask(url, `SELECT pg_terminate_backend(${pid})`);
  await vi.waitFor(() => expect(hints()).toBe(2), PATIENTLY);
  expect(await listening(url)).not.toBe(pid);
  const other = await opened(url, "other");
  await recordJob(other.jobs, leftJob({ baseUrl: BASE }), "other");
  await vi.waitFor(() => expect(hints()).toBe(3), PATIENTLY);
});

test("nobody listens behind a pooler, or without jobs to hear of", async () => {
  const url = await freshDatabase();
  const pooled = await opened(url, "one", false);
  hintsOf(pooled);
  await opened(url, "two");
  await recordJob(pooled.jobs, leftJob({ baseUrl: BASE }), "one");
  expect(await ask(url, `${LISTENING} AND datname = current_database()`)).toEqual([]);
});
