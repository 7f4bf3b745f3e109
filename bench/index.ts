import { mkdtemp, rm } from "node:fs/promises";
import { cpus, tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { measureCall } from "./call.ts";
import { measureChat } from "./chat.ts";
import { measureDownload } from "./download.ts";
import { measureMemory } from "./memory.ts";
import { measurePolling } from "./polling.ts";
import { measurePreviews } from "./previews.ts";
import { measureStart } from "./start.ts";

/* Prints what the documentation's table shows. Everything is a ratio or a difference in one run. */

// It adds 30 ms to every start of Node and would flatter the ratio.
delete process.env["NODE_EXTRA_CA_CERTS"];

const cli = resolve("dist/cli.js");
const folder = await mkdtemp(join(tmpdir(), "longcat-bench-"));
const env = {
  HOME: folder,
  PIXAZO_API_KEY: "bench",
  LONGCAT_MCP_DATA_DIR: join(folder, "data"),
  LONGCAT_MCP_OUTPUT_DIR: join(folder, "out"),
};
const mib = (bytes: number) => `${(bytes / 1024 / 1024).toFixed(0)} MiB`;
const ms = (value: number) => `${value.toFixed(value < 10 ? 2 : 0)} ms`;

try {
  // First, so that its peak is its own.
  const files = await measureDownload(folder);
  const start = await measureStart(cli, env);
  const memory = await measureMemory(cli, env);
  const call = await measureCall(cli, env);
  const chat = await measureChat(cli, env, folder);
  const polling = await measurePolling(cli, env, folder, 10_000);
  const pictures = await measurePreviews(join(folder, "pictures"));
  const rows: [string, string, string, string][] = [
    [
      "start to `tools/list`, against `node -e 0`",
      (start.listMs / start.bareMs).toFixed(2),
      "≤ 5.0",
      `${ms(start.listMs)} against ${ms(start.bareMs)}`,
    ],
    [
      "memory after `tools/list`, against a bare Node server",
      (memory.serverBytes / memory.bareBytes).toFixed(2),
      "≤ 1.6",
      `${mib(memory.serverBytes)} against ${mib(memory.bareBytes)}`,
    ],
    [
      "time a tool call adds to its upstream call",
      ms(call.throughServerMs - call.directMs),
      "≤ 0.5 ms",
      `${ms(call.throughServerMs)} against ${ms(call.directMs)}`,
    ],
    [
      "64 × 10 MiB to disk, against `undici` + `pipeline`",
      (files.plainMs / files.oursMs).toFixed(2),
      "≥ 0.8",
      `${ms(files.oursMs)} against ${ms(files.plainMs)}, peak ${mib(files.peakBytes)}`,
    ],
    [
      "10,000 running jobs followed at the real pace, share of one core",
      `${(polling.cpuShare * 100).toFixed(0)} %`,
      "≤ 15 %",
      `${polling.looksPerSecond.toFixed(0)} looks/s, ${mib(polling.residentBytes)}, ${polling.sockets} sockets`,
    ],
    [
      "longest pause by previews of 4 noisy pictures of 4 MP, beyond an idle process's own",
      ms(Math.max(0, pictures.previews.blockedMs - pictures.previews.idleMs)),
      "≤ 50 ms",
      `${ms(pictures.previews.blockedMs)} against ${ms(pictures.previews.idleMs)}`,
    ],
    [
      "the same by composing them as layers",
      ms(Math.max(0, pictures.layers.blockedMs - pictures.layers.idleMs)),
      "≤ 50 ms",
      `${ms(pictures.layers.blockedMs)} against ${ms(pictures.layers.idleMs)}`,
    ],
    ["first progress after the platform's first token", ms(chat.firstProgressMs), "≤ 50 ms", ""],
    [
      "memory growth while files are attached, against their size",
      (chat.memoryGrowthBytes / chat.attachedBytes).toFixed(2),
      "≤ 3",
      `${mib(chat.memoryGrowthBytes)} for ${mib(chat.attachedBytes)}, which adds ${ms(chat.attachMs)} to the call; as the first call of all ${mib(chat.firstGrowthBytes)} more than one without files`,
    ],
    [
      "last tenth of an answer of 100,000 tokens, against the first",
      (chat.lastTenthMs / chat.firstTenthMs).toFixed(2),
      "≤ 1.5",
      `${ms(chat.lastTenthMs)} against ${ms(chat.firstTenthMs)}`,
    ],
  ];
  console.log(`Node ${process.version}, ${cpus().length} × ${cpus()[0]?.model ?? "CPU"}\n`);
  console.log("| What | Measured | Target | Figures |\n|---|---|---|---|");
  for (const row of rows) console.log(`| ${row.join(" | ")} |`);
} finally {
  await rm(folder, { recursive: true, force: true });
}
