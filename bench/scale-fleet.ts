import type { ChildProcess } from "node:child_process";
import { readFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import type postgres from "postgres";
import { AppError } from "../src/core/errors.ts";
import { newJobId } from "../src/core/ids.ts";
import type { PostgresServer } from "../test/cluster/postgres-server.ts";
import { end, processMs, serve } from "./child.ts";
import { type ScaleGateway, startGateway } from "./scale-gateway.ts";

type Sql = ReturnType<typeof postgres>;
type Print = (what: string, value: string) => void;

/** Where something is measured. */
export interface ScalePlace {
  sql: Sql;
  url: string;
  /** Whose processor time is told; not of one that somebody else runs. */
  server: PostgresServer | undefined;
  print: Print;
}

/** One that was started. */
export interface Replica {
  child: ChildProcess;
  pid: number;
  url: string;
  key: string;
}

const CLI = resolve("dist/cli.js");
const TABLES = "longcat_mcp";
const UNFINISHED = "state IN ('queued', 'submitting', 'running', 'downloading')";
const MS_PER_TICK = 10;

export const pause = (ms: number) => new Promise((over) => setTimeout(over, ms));

/** Replicas that were started for one measurement, and what they stand on. */
export class Replicas {
  readonly all: Replica[] = [];
  readonly #place: ScalePlace;
  readonly #gateway: ScaleGateway;
  readonly #folder: string;
  readonly #env: Record<string, string>;

  constructor(
    place: ScalePlace,
    gateway: ScaleGateway,
    folder: string,
    env: Record<string, string>,
  ) {
    this.#place = place;
    this.#gateway = gateway;
    this.#folder = folder;
    this.#env = env;
  }

  async start(): Promise<Replica> {
    const name = `${this.all.length}`;
    const key = `bench-key-of-replica-${name}`;
    const { child, url } = await serve([CLI, "http", "--port", "0"], {
      ...{ HOME: this.#folder, PIXAZO_API_KEY: key, PIXAZO_BASE_URL: this.#gateway.origin },
      LONGCAT_MCP_DATABASE_URL: this.#place.url,
      LONGCAT_MCP_DATA_DIR: join(this.#folder, name, "data"),
      LONGCAT_MCP_OUTPUT_DIR: join(this.#folder, name, "out"),
      ...this.#env,
    });
    const replica = { child, url, key, pid: child.pid ?? 0 };
    child.stderr?.resume();
    this.all.push(replica);
    return replica;
  }

  /** Processor time so far, of all of them and of the database's server, in milliseconds. */
  async used(): Promise<{ ours: number; server: number }> {
    const pids = (await this.#place.server?.pids()) ?? [];
    const ours = this.all.reduce((sum, { pid }) => sum + processMs(pid), 0);
    return { ours, server: pids.reduce((sum, pid) => sum + withEnded(pid), 0) };
  }

  async end(): Promise<void> {
    await Promise.all(this.all.map(({ child }) => end(child)));
  }
}

/** Of a process and its children that have ended. */
function withEnded(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1]?.split(" ") ?? [];
  return [11, 12, 13, 14].reduce((sum, field) => sum + Number(stat[field]), 0) * MS_PER_TICK;
}

/** Starts with nothing, and leaves nothing. @param env for each replica. */
export async function within(
  place: ScalePlace,
  env: Record<string, string>,
  work: (replicas: Replicas, gateway: ScaleGateway) => Promise<void>,
): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), "longcat-scale-"));
  const gateway = await startGateway();
  const replicas = new Replicas(place, gateway, folder, env);
  try {
    await work(replicas, gateway);
  } finally {
    await replicas.end();
    gateway.close();
    await place.sql.unsafe(
      `TRUNCATE ${TABLES}.jobs, ${TABLES}.job_bodies, ${TABLES}.job_words, ${TABLES}.holders,
       ${TABLES}.money_days`,
    );
    await rm(folder, { recursive: true, force: true });
  }
}

/** Jobs that nobody follows, as one that has ended orderly leaves them. */
export async function leaveRunning(
  sql: Sql,
  baseUrl: string,
  from: number,
  count: number,
): Promise<void> {
  const ids = JSON.stringify(
    Array.from({ length: count }, (_, n) => [newJobId(), `bench-${from + n}`]),
  );
  await sql.unsafe(
    `WITH given AS (SELECT one ->> 0 AS job_id, one ->> 1 AS request_id
       FROM jsonb_array_elements(CAST(CAST($1 AS text) AS jsonb)) AS one),
     made AS (
       INSERT INTO ${TABLES}.jobs (job_id, owner, operation, base_url, state, charge, request_id,
         upstream_status, created_at, updated_at, accepted_at, media_urls, media, warnings,
         warnings_told, orphaned)
       SELECT job_id, 'local', 'z_image_turbo_generate', $2, 'running', 'none', request_id,
         'PROCESSING', now_ms, now_ms, now_ms, '[]', '[]', '[]', 0, 0
       FROM given, (SELECT CAST(extract(epoch FROM clock_timestamp()) * 1000 AS bigint) AS now_ms)
         AS clock RETURNING job_id)
     INSERT INTO ${TABLES}.job_bodies (job_id, input) SELECT job_id, '{"prompt":"Picture"}' FROM made`,
    [ids, baseUrl],
  );
}

/** How many unfinished jobs each holder has. */
export async function held(sql: Sql): Promise<{ holder: string | null; jobs: number }[]> {
  const rows = await sql.unsafe(
    `SELECT lease_holder AS holder, count(*) AS jobs FROM ${TABLES}.jobs WHERE ${UNFINISHED}
     GROUP BY 1 ORDER BY 1`,
  );
  return rows.map((row) => ({ holder: row["holder"], jobs: Number(row["jobs"]) }));
}

/** @throws {internal} when it takes longer. */
export async function until(isSo: () => Promise<boolean>, ms: number): Promise<void> {
  for (const startedAt = performance.now(); !(await isSo()); await pause(50)) {
    if (performance.now() - startedAt > ms) throw new AppError("internal", "That took too long.");
  }
}
