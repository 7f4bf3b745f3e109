import { mkdtemp, rm } from "node:fs/promises";
import { cpus, tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { measureAnswers } from "./answers.ts";
import { measureArguments } from "./arguments.ts";
import { measureCall } from "./call.ts";
import { measureChat } from "./chat.ts";
import { measureDownload } from "./download.ts";
import { measureJobs } from "./jobs.ts";
import { measureMemory } from "./memory.ts";
import { measurePolling } from "./polling.ts";
import { measurePreviews } from "./previews.ts";
import { measureSearch } from "./search.ts";
import { measureStart } from "./start.ts";

/* Prints what the documentation's table shows. Everything is a ratio or a difference in one run. */

// It adds 30 ms to every start of Node and would flatter the ratio.
delete process.env["NODE_EXTRA_CA_CERTS"];

const cli = resolve("dist/cli.js");
const folder = await mkdtemp(join(tmpdir(), "longcat-bench-"));
const env = {
  HOME: folder,
  PIXAZO_API_KEY: "bench-key-0123456789",
  LONGCAT_MCP_DATA_DIR: join(folder, "data"),
  LONGCAT_MCP_OUTPUT_DIR: join(folder, "out"),
};
interface Row {
  what: string;
  value: number;
  unit?: string;
  most?: number;
  least?: number;
  figures?: string;
}

const mib = (bytes: number) => `${(bytes / 1024 / 1024).toFixed(0)} MiB`;
const us = (value: number) => `${value.toFixed(1)} µs`;
const ms = (value: number) => `${value.toFixed(value < 10 ? 2 : 0)} ms`;

try {
  // First, so that its peak is its own.
  const files = await measureDownload(folder);
  const start = await measureStart(cli, env);
  const memory = await measureMemory(cli, env);
  const answers = await measureAnswers(cli, env);
  const call = await measureCall(cli, env);
  const chat = await measureChat(cli, env, folder);
  const polling = await measurePolling(cli, env, folder, 10_000);
  const pictures = await measurePreviews(join(folder, "pictures"));
  const many = await measureJobs(cli, env, folder, 1_000);
  const search = await measureSearch(join(folder, "search"), 100_000);
  const wrong = await measureArguments(cli, env);
  const rows: Row[] = [
    ...wrong.map(({ attack, transport, refusedMs, readMs }) => ({
      what: `${attack} refused over ${transport}, against reading and parsing them`,
      value: refusedMs / readMs,
      most: 5,
      figures: `${ms(refusedMs)} against ${ms(readMs)}`,
    })),
    {
      what: "start to `tools/list`, against `node -e 0`",
      value: start.listMs / start.bareMs,
      most: 5,
      figures: `${ms(start.listMs)} against ${ms(start.bareMs)}`,
    },
    {
      what: "memory after `tools/list`, against a bare Node server",
      value: memory.serverBytes / memory.bareBytes,
      most: 1.6,
      figures: `${mib(memory.serverBytes)} against ${mib(memory.bareBytes)}`,
    },
    {
      what: "`tools/list` again, against the same bytes as prepared text",
      value: answers.listMs / answers.preparedMs,
      most: 2,
      figures: `${ms(answers.listMs)} against ${ms(answers.preparedMs)}`,
    },
    {
      what: "`image_models`, once the program is loaded: first",
      value: answers.firstModelsMs,
      most: 3,
      unit: " ms",
    },
    {
      what: "the same again",
      value: answers.modelsMs,
      most: 0.15,
      unit: " ms",
    },
    {
      what: "time a tool call adds to its upstream call",
      value: call.throughServerMs - call.directMs,
      most: 0.3,
      unit: " ms",
      figures: `${ms(call.throughServerMs)} against ${ms(call.directMs)}`,
    },
    {
      what: "64 × 10 MiB to disk, against `undici` + `pipeline`",
      value: files.plainMs / files.oursMs,
      least: 0.8,
      figures: `${ms(files.oursMs)} against ${ms(files.plainMs)}, peak ${mib(files.peakBytes)}`,
    },
    {
      what: "10,000 running jobs followed at the real pace, share of one core",
      value: polling.cpuShare * 100,
      most: 15,
      unit: " %",
      figures: `${polling.looksPerSecond.toFixed(0)} looks/s, ${polling.sockets} sockets`,
    },
    {
      what: "the same, memory",
      value: polling.residentBytes / 1e6,
      most: 150,
      unit: " MB",
    },
    {
      what: "1,000 jobs at once through one server, processor time each",
      value: many.cpuMsPerJob,
      unit: " ms",
      figures: `${many.completed} completed, ${many.charged} charged, ${many.seconds.toFixed(0)} s, peak ${mib(many.peakBytes)}`,
    },
    {
      what: "longest pause by previews of 4 noisy pictures of 4 MP, beyond an idle process's own",
      value: Math.max(0, pictures.previews.blockedMs - pictures.previews.idleMs),
      most: 50,
      unit: " ms",
      figures: `${ms(pictures.previews.blockedMs)} against ${ms(pictures.previews.idleMs)}`,
    },
    {
      what: "the same by composing them as layers",
      value: Math.max(0, pictures.layers.blockedMs - pictures.layers.idleMs),
      most: 50,
      unit: " ms",
      figures: `${ms(pictures.layers.blockedMs)} against ${ms(pictures.layers.idleMs)}`,
    },
    {
      what: "first progress after the platform's first token",
      value: chat.firstProgressMs,
      most: 50,
      unit: " ms",
    },
    {
      what: "memory growth while files are attached, against their size",
      value: chat.memoryGrowthBytes / chat.attachedBytes,
      most: 3,
      figures: `${mib(chat.memoryGrowthBytes)} for ${mib(chat.attachedBytes)}, which adds ${ms(chat.attachMs)} to the call; as the first call of all ${mib(chat.firstGrowthBytes)} more than one without files`,
    },
    {
      what: "a token of an answer of 100,000, against one of 10,000, processor time",
      value: chat.longTokenUs / chat.shortTokenUs,
      most: 1.5,
      figures: `${us(chat.longTokenUs)} against ${us(chat.shortTokenUs)}`,
    },
    {
      what: "a token of an answer of 100,000, processor time",
      value: chat.longTokenUs,
      most: 10,
      unit: " µs",
    },
  ];
  rows.push({
    what: "search among 100,000 jobs, processor time",
    value: search.searchMs,
    most: 30,
    unit: " ms",
    figures: `a rare word ${ms(search.rareMs)}, a page of all ${ms(search.listMs)}, of a state that none has ${ms(search.stateMs)}`,
  });
  console.log(`Node ${process.version}, ${cpus().length} × ${cpus()[0]?.model ?? "CPU"}\n`);
  console.log("| What | Measured | Target | Figures |\n|---|---|---|---|");
  for (const row of rows) console.log(line(row));
  if (rows.some(isMissed)) process.exitCode = 1;
} finally {
  await rm(folder, { recursive: true, force: true });
}

/** A target that was missed, or a figure that could not be taken. */
function isMissed({ value, most = Number.POSITIVE_INFINITY, least = 0 }: Row): boolean {
  return !(value >= least && value <= most);
}

function line(row: Row): string {
  const { what, value, unit = "", most, least, figures = "" } = row;
  const target = most === undefined ? least && `≥ ${least}` : `≤ ${most}`;
  const measured = `${value.toFixed(value < 10 ? 2 : 0)}${unit}${isMissed(row) ? " (missed)" : ""}`;
  return `| ${what} | ${measured} | ${target ? target + unit : ""} | ${figures} |`;
}
