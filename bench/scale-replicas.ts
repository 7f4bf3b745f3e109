/*
 * What several replicas do together, and what it costs: jobs that run, one of them that goes, and
 * jobs from their start to their end by one and by three. Processor time is told, since it depends
 * less than time on what else the machine does.
 */
import { Agent, request } from "undici";
import { AppError } from "../src/core/errors.ts";
import { end } from "./child.ts";
import {
  held,
  leaveRunning,
  pause,
  type Replica,
  type Replicas,
  type ScalePlace,
  until,
  within,
} from "./scale-fleet.ts";
import type { ScaleGateway } from "./scale-gateway.ts";

const TABLES = "longcat_mcp";
const RUNNING_JOBS = 10_000;
const SETTLE_MS = 30_000;
const WATCH_MS = 30_000;
const FLOW_JOBS = 600;
const CALLERS = 24;
const HEADERS = {
  "content-type": "application/json",
  accept: "application/json, text/event-stream",
  "mcp-protocol-version": "2025-06-18",
};

/** Starts replicas that share running jobs evenly: while one takes its part, the others stand still. */
async function sharing(
  count: number,
  replicas: Replicas,
  gateway: ScaleGateway,
  sql: ScalePlace["sql"],
) {
  const part = Math.ceil(RUNNING_JOBS / count);
  for (let n = 0; n < count; n++) {
    const share = Math.min(part, RUNNING_JOBS - n * part);
    await leaveRunning(sql, gateway.origin, n * part, share);
    const { pid } = await replicas.start();
    await until(async () => (await held(sql)).every(({ holder }) => holder !== null), 60_000);
    if (n < count - 1) process.kill(pid, "SIGSTOP");
  }
  for (const { pid } of replicas.all) process.kill(pid, "SIGCONT");
}

/** What it costs to follow many jobs, alone and as three, and how soon those of one that goes move. */
export async function runningJobs(place: ScalePlace): Promise<void> {
  const { print, sql } = place;
  for (const count of [3, 1]) {
    await within(place, {}, async (replicas, gateway) => {
      await sharing(count, replicas, gateway, sql);
      await pause(SETTLE_MS);
      gateway.lookedBy.clear();
      const [before, looks] = [await replicas.used(), gateway.looks];
      await pause(WATCH_MS);
      const after = await replicas.used();
      const share = (ms: number) => `${((ms / WATCH_MS) * 100).toFixed(1)} %`;
      const name = `${RUNNING_JOBS.toLocaleString("en-US")} running jobs, ${count} replica${count > 1 ? "s" : ""}`;
      print(
        `${name}: of a core, together; the server's; looks a second`,
        `${share(after.ours - before.ours)}; ${place.server ? share(after.server - before.server) : "not seen"}; ${(((gateway.looks - looks) / WATCH_MS) * 1000).toFixed(0)}`,
      );
      const lookers = [...gateway.lookedBy.values()];
      print(
        `${name}: held by each; looked at; by more than one`,
        `${(await held(sql)).map(({ jobs }) => jobs).join(" + ")}; ${lookers.length}; ${lookers.filter((by) => by.size > 1).length}`,
      );
      if (count > 1) await oneGoes(place, replicas, gateway, name);
    });
  }
}

async function oneGoes(
  { print, sql }: ScalePlace,
  replicas: Replicas,
  gateway: ScaleGateway,
  name: string,
): Promise<void> {
  const gone = replicas.all.pop();
  if (!gone) return;
  const owned = [...gateway.lookedBy].filter(([, by]) => by.has(gone.key)).map(([id]) => id);
  const startedAt = performance.now();
  await end(gone.child);
  const holders = (await held(sql)).length;
  const seconds = () => ((performance.now() - startedAt) / 1000).toFixed(1);
  await until(async () => (await held(sql)).length < holders, 60_000);
  const moved = seconds();
  gateway.lookedBy.clear();
  await until(async () => owned.every((id) => gateway.lookedBy.has(id)), 60_000);
  print(
    `${name}: one is killed, its ${owned.length} are held by another; all are looked at again`,
    `after ${moved} s; ${seconds()} s`,
  );
}

/** Jobs from their start to their end, by one replica and by three, in one run. */
export async function startPollFinish(place: ScalePlace): Promise<void> {
  const { print, sql } = place;
  const rates: { started: number; finished: number }[] = [];
  for (const count of [1, 3]) {
    await within(place, { LONGCAT_MCP_POLL_FLOOR_MS: "200" }, async (replicas, gateway) => {
      gateway.status = "COMPLETED";
      for (let n = 0; n < count; n++) await replicas.start();
      const done = async () =>
        Number(
          (
            await sql.unsafe(`SELECT count(*) AS n FROM ${TABLES}.jobs WHERE state = 'completed'`)
          )[0]?.["n"],
        );
      await start(replicas.all, "warm", count * 10);
      await until(async () => (await done()) === count * 10, 60_000);
      const before = await replicas.used();
      const startedAt = performance.now();
      await start(replicas.all, "measured", FLOW_JOBS);
      const started = FLOW_JOBS / ((performance.now() - startedAt) / 1000);
      await until(async () => (await done()) === count * 10 + FLOW_JOBS, 600_000);
      const finished = FLOW_JOBS / ((performance.now() - startedAt) / 1000);
      const after = await replicas.used();
      rates.push({ started, finished });
      const each = (ms: number) => `${(ms / FLOW_JOBS).toFixed(1)} ms`;
      print(
        `${FLOW_JOBS} jobs by ${count}: started a second; through to their files; processor time of a job, the server's`,
        `${started.toFixed(0)}; ${finished.toFixed(0)}; ${each(after.ours - before.ours)}; ${place.server ? each(after.server - before.server) : "not seen"}`,
      );
    });
  }
  const [one, three] = rates;
  if (!one || !three) return;
  const ratio = (what: "started" | "finished") => (three[what] / one[what]).toFixed(2);
  print("three against one: starts; jobs", `${ratio("started")}; ${ratio("finished")}`);
}

async function start(replicas: readonly Replica[], name: string, jobs: number): Promise<void> {
  const dispatcher = new Agent({ connections: CALLERS });
  let made = 0;
  const caller = async () => {
    for (let n = made++; n < jobs; n = made++) {
      const input = { prompt: `${name} ${n}`, image_size: "square_1_1", wait_seconds: 0 };
      const call = { name: "z_image_turbo_generate", arguments: input };
      const body = JSON.stringify({ jsonrpc: "2.0", id: n, method: "tools/call", params: call });
      const url = replicas[n % replicas.length]?.url ?? "";
      const reply = await request(url, { method: "POST", headers: HEADERS, body, dispatcher });
      const text = await reply.body.text();
      if (!/job_/.test(text)) throw new AppError("internal", text.slice(0, 500));
    }
  };
  await Promise.all(Array.from({ length: CALLERS }, caller));
  await dispatcher.close();
}
