/*
 * The constants of docs/scale.md: bytes, round trips, blocks and log of a job on a PostgreSQL, none
 * of which depends on what else the machine does; and times, which do. Run by hand:
 * `node scripts/run-ts.mjs bench/scale.ts`, on a server of its own or on TEST_DATABASE_URL; with
 * names, these parts of it: trips, bytes, notices, admissions, flow, running.
 */
import { randomBytes } from "node:crypto";
import { connect, createServer } from "node:net";
import { availableParallelism } from "node:os";
import postgres from "postgres";
import { systemClock } from "../src/core/clock.ts";
import { AppError } from "../src/core/errors.ts";
import { newJobId } from "../src/core/ids.ts";
import { openPostgres } from "../src/storage/postgres/open-postgres.ts";
import { type PostgresServer, startPostgres } from "../test/cluster/postgres-server.ts";
import type { ScalePlace } from "./scale-fleet.ts";
import { STEPS, usualJob } from "./scale-life.ts";
import { runningJobs, startPollFinish } from "./scale-replicas.ts";

const SCHEMA = "longcat_mcp";
const JOBS = 2_000;
const HISTORY = [10_000, 100_000] as const;
const AT_ONCE = 100;
const MONTH_MS = 30 * 86_400_000;
const ROUNDS = 15;
/** Long against all that a busy machine adds. */
const DELAY_MS = 60;

type Sql = ReturnType<typeof postgres>;

const print = (what: string, value: string) => process.stdout.write(`| ${what} | ${value} |\n`);
const median = (values: readonly number[]) =>
  [...values].sort((one, other) => one - other)[Math.floor(values.length / 2)] ?? Number.NaN;

async function timed(work: () => Promise<unknown>): Promise<number> {
  const since = performance.now();
  await work();
  return performance.now() - since;
}

async function number(sql: Sql, statement: string): Promise<number> {
  const [row] = await sql.unsafe(statement);
  return Number(Object.values(row ?? {})[0]);
}

/** Between a program and its database: every message takes so long. */
async function delaying(
  url: string,
): Promise<{ url: string; delayMs: number; close: () => void; wait: { ms: number } }> {
  const target = new URL(url);
  const wait = { ms: 0 };
  const server = createServer((client) => {
    const behind = connect(Number(target.port), target.hostname);
    for (const [from, to] of [
      [client, behind],
      [behind, client],
    ] as const) {
      from.setNoDelay(true);
      // One direction only: a round trip takes it once.
      from.on("data", (bytes) => setTimeout(() => to.write(bytes), from === client ? wait.ms : 0));
      from.on("error", () => to.destroy());
      from.on("close", () => to.destroy());
    }
  });
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  const address = server.address();
  if (typeof address !== "object" || address === null) throw new AppError("internal", "No port.");
  const near = new URL(url);
  near.port = String(address.port);
  near.searchParams.set("sslmode", "disable");
  return { url: near.href, delayMs: DELAY_MS, wait, close: () => server.close() };
}

const opened = (url: string) =>
  openPostgres(
    { url, prepares: true, schema: SCHEMA },
    { clock: systemClock, holder: "me", isGone: () => false },
  );

async function roundTrips(url: string): Promise<void> {
  const proxy = await delaying(url);
  const stores = await opened(proxy.url);
  const trips = new Map<string, number[]>();
  const times = new Map<string, number[]>();
  const live = async (record: Map<string, number[]>) => {
    const job = usualJob();
    for (const [name, step] of Object.entries(STEPS)) {
      const ms = await timed(() => step(stores, job));
      record.set(name, [...(record.get(name) ?? []), ms]);
    }
  };
  for (let round = 0; round < ROUNDS; round++) await live(times);
  proxy.wait.ms = DELAY_MS;
  for (let round = 0; round < 3; round++) await live(trips);
  for (const name of Object.keys(STEPS)) {
    const [slow, fast] = [median(trips.get(name) ?? []), median(times.get(name) ?? [])];
    print(
      `${name}: round trips; time without a network`,
      `${Math.round((slow - fast) / DELAY_MS)}; ${fast.toFixed(1)} ms`,
    );
  }
  proxy.wait.ms = 0;
  await stores.close();
  proxy.close();
}

async function bytesOfJobs(url: string, sql: Sql): Promise<void> {
  const stores = await opened(url);
  const tables = ["jobs", "job_bodies", "job_words", "audit_log"];
  const sizes = async () => {
    const all: [string, number, number][] = [];
    for (const table of tables) {
      await sql.unsafe(`VACUUM FULL ${SCHEMA}.${table}`);
      const of = (what: string) => number(sql, `SELECT ${what}('${SCHEMA}.${table}')`);
      all.push([table, await of("pg_table_size"), await of("pg_indexes_size")]);
    }
    return all;
  };
  const before = await sizes();
  const log = () => number(sql, "SELECT pg_wal_lsn_diff(pg_current_wal_lsn(), '0/0')");
  await sql.unsafe("CHECKPOINT");
  const logBefore = await log();
  const commits = () =>
    number(sql, "SELECT xact_commit FROM pg_stat_database WHERE datname = current_database()");
  const since = performance.now();
  const commitsBefore = await commits();
  for (let n = 0; n < JOBS; n += 20) {
    await Promise.all(
      Array.from({ length: 20 }, async () => {
        const job = usualJob();
        for (const step of Object.values(STEPS)) await step(stores, job);
      }),
    );
  }
  const seconds = (performance.now() - since) / 1000;
  await new Promise((resolve) => setTimeout(resolve, 1_500));
  print(
    "whole lives per second, 20 at a time, one process (busy machine)",
    (JOBS / seconds).toFixed(0),
  );
  print(
    "commits of a life, notices included",
    (((await commits()) - commitsBefore) / JOBS).toFixed(1),
  );
  print(
    "log (WAL) of a life, without full pages",
    `${(((await log()) - logBefore) / JOBS / 1024).toFixed(1)} KiB`,
  );
  const after = await sizes();
  let sum = 0;
  for (const [position, [table, bytes, indexes]] of after.entries()) {
    const [, bytesBefore = 0, indexesBefore = 0] = before[position] ?? [];
    const [own, index] = [(bytes - bytesBefore) / JOBS, (indexes - indexesBefore) / JOBS];
    sum += own + index;
    print(`${table}: bytes a job, and of its indexes`, `${own.toFixed(0)} + ${index.toFixed(0)}`);
  }
  print("all of a job", `${(sum / 1024).toFixed(1)} KiB`);
  const row = await sql.unsafe(`SELECT count(*) AS n FROM ${SCHEMA}.audit_log`);
  print(
    "lines of the audit log a job",
    (Number(row[0]?.["n"]) / (await number(sql, `SELECT count(*) FROM ${SCHEMA}.jobs`))).toFixed(1),
  );
  const own = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'longcat-mcp'";
  print(
    "connections of one process under that load, one more to listen",
    String(await number(sql, own)),
  );
  await stores.close();
}

/** What an admission looks through, as the month grows. */
async function admissions(url: string, sql: Sql): Promise<void> {
  await (await opened(url)).close();
  for (const jobs of HISTORY) {
    const there = await number(sql, `SELECT count(*) FROM ${SCHEMA}.jobs`);
    // Each some at a time, as they come; over a month.
    for (let from = there; from < jobs; from += AT_ONCE) {
      await sql.unsafe(`
        SET search_path TO ${SCHEMA};
        INSERT INTO jobs (job_id, owner, operation, base_url, state, charge, created_at, updated_at,
          reserved_usd, cost_usd, media_urls, media, warnings, warnings_told, orphaned)
        SELECT 'job_' || i, 'user_' || (i % 1000), 'z_image_turbo_generate', 'https://gateway.example',
          'completed', 'spent', extract(epoch FROM clock_timestamp()) * 1000 - CAST(i AS bigint) * ${MONTH_MS / 100_000},
          0, 0.01, 0.01, '[]', '[]', '[]', 0, 0
        FROM generate_series(${from + 1}, ${Math.min(jobs, from + AT_ONCE)}) AS i`);
    }
    await sql.unsafe(`ANALYZE ${SCHEMA}.jobs, ${SCHEMA}.money_days`);
    const sum = (whose: string) => `EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON)
      SELECT sum(usd) FROM ${SCHEMA}.money_days WHERE owner = '${whose}' AND day >= 0`;
    for (const [name, whose] of [
      ["one of 1,000 owners", "user_7"],
      ["all owners", ""],
    ]) {
      const [plan] = await sql.unsafe(sum(whose ?? ""));
      const text = JSON.stringify(plan);
      const blocks =
        Number(/"Shared Hit Blocks":(\d+)/.exec(text)?.[1]) +
        Number(/"Shared Read Blocks":(\d+)/.exec(text)?.[1]);
      const ms = Number(/"Execution Time":([\d.]+)/.exec(text)?.[1]);
      print(
        `the month's sum of ${name}, ${jobs.toLocaleString("en-US")} jobs: blocks; time`,
        `${blocks}; ${ms.toFixed(1)} ms`,
      );
    }
  }
  const stores = await opened(url);
  const open = await timed(async () => {
    for (let n = 0; n < ROUNDS; n++) await STEPS.admission(stores, usualJob());
  });
  print("an admission then, where callers are not told apart", `${(open / ROUNDS).toFixed(1)} ms`);
  await stores.users.noteClosed(Date.now());
  const closed = await timed(async () => {
    for (let n = 0; n < ROUNDS; n++) await STEPS.admission(stores, usualJob());
  });
  print("an admission then, where users have caps together", `${(closed / ROUNDS).toFixed(1)} ms`);
  await stores.close();
}

async function notices(url: string): Promise<void> {
  const [listeners, senders] = [3, 8];
  const sql = postgres(url, { max: senders + listeners, onnotice: () => {} });
  let heard = 0;
  for (let n = 0; n < listeners; n++) {
    await sql.listen("bench", () => {
      heard++;
    });
  }
  const payload = `${"0".repeat(12)} ${Array.from({ length: 20 }, newJobId).join(" ")}`;
  const until = performance.now() + 3_000;
  let sent = 0;
  await Promise.all(
    Array.from({ length: senders }, async () => {
      while (performance.now() < until) {
        await sql.notify("bench", payload);
        sent++;
      }
    }),
  );
  await new Promise((resolve) => setTimeout(resolve, 500));
  print(`notices of 20 ids a second, ${senders} senders (busy machine)`, (sent / 3).toFixed(0));
  print(
    "of them heard by each of three listeners",
    `${((heard / sent / listeners) * 100).toFixed(0)} %`,
  );
  await sql.end();
}

/** In a database of its own, in which nobody asks for tokens. */
async function apart(
  base: string,
  admin: Sql,
  server: PostgresServer | undefined,
  measure: (place: ScalePlace) => Promise<void>,
) {
  const name = `bench_${randomBytes(4).toString("hex")}`;
  await admin.unsafe(`CREATE DATABASE ${name}`);
  const url = new URL(base);
  url.pathname = `/${name}`;
  await (await opened(url.href)).close();
  const session = { connection: { search_path: SCHEMA } };
  const sql = postgres(url.href, { max: 1, onnotice: () => {}, ...session });
  try {
    await measure({ sql, url: url.href, server, print });
  } finally {
    await sql.end();
    await admin.unsafe(`DROP DATABASE ${name} WITH (FORCE)`);
  }
}

async function main(): Promise<void> {
  const given = process.env["TEST_DATABASE_URL"];
  const server = given === undefined ? await startPostgres() : undefined;
  const base = new URL(given ?? server?.url ?? "");
  const admin = postgres(base.href, { max: 1, onnotice: () => {} });
  const name = `bench_${randomBytes(4).toString("hex")}`;
  await admin.unsafe(`CREATE DATABASE ${name}`);
  base.pathname = `/${name}`;
  const sql = postgres(base.href, { max: 1, onnotice: () => {} });
  const [version] = await admin.unsafe("SHOW server_version");
  process.stdout.write(
    `| PostgreSQL ${version?.["server_version"]}, ${availableParallelism()} cores | |\n| --- | --- |\n`,
  );
  try {
    const asked = process.argv.slice(2);
    const sections = {
      trips: () => roundTrips(base.href),
      bytes: () => bytesOfJobs(base.href, sql),
      notices: () => notices(base.href),
      admissions: () => admissions(base.href, sql),
      flow: () => apart(base.href, admin, server, startPollFinish),
      running: () => apart(base.href, admin, server, runningJobs),
    };
    for (const [section, measure] of Object.entries(sections)) {
      if (asked.length === 0 || asked.includes(section)) await measure();
    }
  } finally {
    await sql.end();
    await admin.unsafe(`DROP DATABASE ${name} WITH (FORCE)`);
    await admin.end();
    await server?.remove();
  }
}

await main();
