import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { newJobId } from "../src/core/ids.ts";
import { BLANK, NO_LIMITS } from "../src/jobs/record.ts";
import { Connection } from "../src/storage/sqlite/connection.ts";
import { SqliteJobStore } from "../src/storage/sqlite/sqlite-job-store.ts";
import { Program } from "./child.ts";
import { keepCompiledCode } from "./start.ts";

export interface PollingFigures {
  jobs: number;
  looksPerSecond: number;
  /** Share of one core. */
  cpuShare: number;
  residentBytes: number;
  sockets: number;
}

/** What it costs to follow many running jobs at the real gateway's pace. */
export async function measurePolling(
  cli: string,
  env: Record<string, string>,
  folder: string,
  { jobs, settleMs, watchMs }: { jobs: number; settleMs: number; watchMs: number },
): Promise<PollingFigures> {
  let looks = 0;
  let sockets = 0;
  let open = 0;
  const upstream = createServer((incoming, outgoing) => {
    looks++;
    const request_id = incoming.url?.split("/").at(-1);
    outgoing
      .writeHead(200, { "content-type": "application/json" })
      .end(JSON.stringify({ request_id, status: "PROCESSING", error: null, output: null }));
  });
  upstream.on("connection", (socket) => {
    sockets = Math.max(sockets, ++open);
    socket.once("close", () => open--);
  });
  await new Promise<void>((resolve) => upstream.listen(0, "127.0.0.1", resolve));
  const { port } = upstream.address() as AddressInfo;
  const baseUrl = `http://127.0.0.1:${port}`;
  const dataDir = join(folder, "polling");
  const settings = { ...env, PIXAZO_BASE_URL: baseUrl, LONGCAT_MCP_DATA_DIR: dataDir };
  await keepCompiledCode(cli, settings);
  await leaveRunningJobs(dataDir, baseUrl, jobs);
  const program = new Program([cli], settings);
  try {
    await program.initialize();
    await program.request("tools/list");
    await pause(settleMs);
    const [cpuBefore, looksBefore] = [program.cpuMs(), looks];
    await pause(watchMs);
    return {
      jobs,
      looksPerSecond: ((looks - looksBefore) / watchMs) * 1000,
      cpuShare: (program.cpuMs() - cpuBefore) / watchMs,
      residentBytes: program.residentBytes(),
      sockets,
    };
  } finally {
    await program.end();
    upstream.closeAllConnections();
    upstream.close();
  }
}

/** A data folder as a process that was killed with so many running jobs leaves it. */
async function leaveRunningJobs(dataDir: string, baseUrl: string, jobs: number): Promise<void> {
  const store = new SqliteJobStore(new Connection(dataDir));
  const now = Date.now();
  for (let n = 0; n < jobs; n++) {
    const job = {
      ...BLANK,
      jobId: newJobId(),
      owner: "local",
      operation: "z_image_turbo_generate",
      input: { prompt: `Picture ${n}` },
      baseUrl,
      state: "running" as const,
      charge: "none" as const,
      requestId: `z-image-turbo-834_bench-${n}`,
      upstreamStatus: "PROCESSING",
      createdAt: now,
      updatedAt: now,
      acceptedAt: now,
    };
    await store.admit(job, "gone", { forceNew: true, limits: NO_LIMITS, now });
  }
  await store.release("gone");
  await store.close();
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
