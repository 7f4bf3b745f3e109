import { join } from "node:path";
import { measureAnswers } from "./answers.ts";
import { measureArguments } from "./arguments.ts";
import { measureCall } from "./call.ts";
import { measureChat } from "./chat.ts";
import { measureDownload } from "./download.ts";
import { measureFairness } from "./fair.ts";
import { measureHttp } from "./http.ts";
import { measureJobs } from "./jobs.ts";
import { measureMemory } from "./memory.ts";
import { measurePolling } from "./polling.ts";
import { measurePreviews } from "./previews.ts";
import { mib, ms, type Row, us } from "./rows.ts";
import { measureSearch } from "./search.ts";
import { keepCompiledCode, measureStart } from "./start.ts";
import { measureWebhooks } from "./webhooks.ts";

/** What is measured, and where. */
export interface Bench {
  cli: string;
  env: Record<string, string>;
  /** For what is measured to work in. */
  folder: string;
}

/** How much of everything. */
export const FULL = {
  rounds: 21,
  calls: 1_000,
  files: 64,
  followed: { jobs: 10_000, settleMs: 8_000, watchMs: 15_000 },
  jobs: 1_000,
  searched: 100_000,
};
export type Sizes = typeof FULL;
/** As little as tells that all of it can be measured. */
export const QUICK: Sizes = {
  rounds: 3,
  calls: 100,
  files: 4,
  followed: { jobs: 200, settleMs: 1_500, watchMs: 2_000 },
  jobs: 10,
  searched: 2_000,
};

const count = (n: number) => n.toLocaleString("en-US");

async function start({ cli, env }: Bench, { rounds }: Sizes): Promise<Row[]> {
  await keepCompiledCode(cli, env);
  const { listMs, modelsMs, bareMs } = await measureStart(cli, env, rounds);
  const memory = await measureMemory(cli, env, Math.ceil(rounds / 3));
  const { serverBytes, usedBytes, bareBytes } = memory;
  return [
    {
      what: "start to `tools/list`, against `node -e 0`",
      value: listMs / bareMs,
      most: 1.3,
      figures: `${ms(listMs)} against ${ms(bareMs)}`,
    },
    {
      what: "start to the first `image_models`, against `node -e 0`",
      value: modelsMs / bareMs,
      most: 4.7,
      figures: `${ms(modelsMs)} against ${ms(bareMs)}`,
    },
    {
      what: "memory after `tools/list`, against a bare Node server",
      value: serverBytes / bareBytes,
      most: 1.05,
      figures: `${mib(serverBytes)} against ${mib(bareBytes)}`,
    },
    {
      what: "memory after a session of 100 calls, against a bare Node server",
      value: usedBytes / bareBytes,
      most: 1.5,
      figures: `${mib(usedBytes)} against ${mib(bareBytes)}`,
    },
  ];
}

async function answers({ cli, env, folder }: Bench): Promise<Row[]> {
  const figures = await measureAnswers(cli, env, folder);
  const { listMs, preparedMs, firstModelsMs, modelsMs, preparedModelsMs } = figures;
  return [
    {
      what: "`tools/list` again, against the same bytes as prepared text",
      value: listMs / preparedMs,
      most: 2,
      figures: `${ms(listMs)} against ${ms(preparedMs)}`,
    },
    {
      what: "`image_models`, once the program is loaded: first",
      value: firstModelsMs,
      most: 3,
      unit: " ms",
    },
    {
      what: "the same again",
      value: modelsMs,
      most: 0.15,
      unit: " ms",
      figures: `as prepared text ${ms(preparedModelsMs)}`,
    },
  ];
}

async function http({ cli, env }: Bench, { calls }: Sizes): Promise<Row[]> {
  const figures = await measureHttp(cli, env, calls);
  return figures.flatMap(({ what, oursMs, bareMs, perSecond, cpuMs }) => [
    {
      what: `${what} over HTTP, against a bare Node server`,
      value: oursMs / bareMs,
      most: 6,
      figures: `${ms(oursMs)} against ${ms(bareMs)}`,
    },
    {
      what: "the same, calls a second of 8 clients",
      value: perSecond,
      least: 2_500,
      figures: `${us(cpuMs * 1_000)} of processor time each`,
    },
  ]);
}

async function call({ cli, env }: Bench, { calls }: Sizes): Promise<Row[]> {
  const { throughServerMs, relayedMs, directMs } = await measureCall(cli, env, calls);
  return [
    {
      what: "time a tool call adds to its upstream call",
      value: throughServerMs - directMs,
      most: 0.3,
      unit: " ms",
      figures: `${ms(throughServerMs)} against ${ms(directMs)}; one that only passes on adds ${ms(relayedMs - directMs)}`,
    },
  ];
}

async function download({ folder }: Bench, { files }: Sizes): Promise<Row[]> {
  const { ours, plain } = await measureDownload(folder, files);
  return [
    {
      what: `${files} × 10 MiB to disk, against \`undici\` + \`pipeline\``,
      value: plain.ms / ours.ms,
      least: 1,
      figures: `${ms(ours.ms)} against ${ms(plain.ms)}`,
    },
    {
      what: "the same, most memory of the process",
      value: ours.peakBytes / 1e6,
      most: 160,
      unit: " MB",
      figures: `against ${(plain.peakBytes / 1e6).toFixed(0)} MB`,
    },
  ];
}

async function following({ cli, env, folder }: Bench, { followed }: Sizes): Promise<Row[]> {
  const figures = await measurePolling(cli, env, folder, followed);
  return [
    {
      what: `${count(followed.jobs)} running jobs followed at the real pace, share of one core`,
      value: figures.cpuShare * 100,
      most: 10,
      unit: " %",
      figures: `${figures.looksPerSecond.toFixed(0)} looks/s, ${figures.sockets} sockets`,
    },
    {
      what: "the same, memory",
      value: figures.residentBytes / 1e6,
      most: 130,
      unit: " MB",
    },
  ];
}

async function manyJobs({ cli, env, folder }: Bench, { jobs }: Sizes): Promise<Row[]> {
  const many = await measureJobs(cli, env, folder, jobs);
  return [
    {
      what: `${count(jobs)} jobs at once through one server, processor time each`,
      value: many.cpuMsPerJob,
      most: 10,
      unit: " ms",
      figures: `${many.completed} completed, ${many.charged} charged, ${many.looksPerJob.toFixed(1)} looks each, ${many.seconds.toFixed(0)} s, peak ${mib(many.peakBytes)}`,
    },
  ];
}

async function search({ folder }: Bench, { searched }: Sizes): Promise<Row[]> {
  const figures = await measureSearch(join(folder, "search"), searched);
  return [
    {
      what: `search among ${count(searched)} jobs, processor time`,
      value: figures.searchMs,
      most: 30,
      unit: " ms",
      figures: `a rare word ${ms(figures.rareMs)}, a page of all ${ms(figures.listMs)}, of a state that none has ${ms(figures.stateMs)}`,
    },
    {
      what: "the longest of a start, a list and `spending` among as many, processor time",
      value: Math.max(figures.startMs, figures.listMs, figures.spendingMs),
      most: 5,
      unit: " ms",
      figures: `${ms(figures.startMs)}, ${ms(figures.listMs)}, ${ms(figures.spendingMs)}`,
    },
  ];
}

async function wrongArguments({ cli, env }: Bench): Promise<Row[]> {
  const wrong = await measureArguments(cli, env);
  return wrong.map(({ attack, transport, refusedMs, readMs }) => ({
    what: `${attack} refused over ${transport}, against reading and parsing them`,
    value: refusedMs / readMs,
    most: 5,
    figures: `${ms(refusedMs)} against ${ms(readMs)}`,
  }));
}

async function pictures({ folder }: Bench): Promise<Row[]> {
  const { previews, layers } = await measurePreviews(join(folder, "pictures"));
  return [
    {
      what: "longest pause by previews of 4 noisy pictures of 4 MP, beyond an idle process's own",
      value: Math.max(0, previews.blockedMs - previews.idleMs),
      most: 50,
      unit: " ms",
      figures: `${ms(previews.blockedMs)} against ${ms(previews.idleMs)}`,
    },
    {
      what: "the same by composing them as layers",
      value: Math.max(0, layers.blockedMs - layers.idleMs),
      most: 50,
      unit: " ms",
      figures: `${ms(layers.blockedMs)} against ${ms(layers.idleMs)}`,
    },
  ];
}

async function delegate({ cli, env, folder }: Bench): Promise<Row[]> {
  const chat = await measureChat(cli, env, folder);
  return [
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
}

async function fairness({ cli, env, folder }: Bench, { jobs }: Sizes): Promise<Row[]> {
  const { aloneMs, besideMs } = await measureFairness(cli, env, folder, jobs);
  return [
    {
      what: `a modest user's job beside ${count(jobs)} of a greedy one, against alone`,
      value: besideMs / aloneMs,
      most: 5,
      figures: `${ms(besideMs)} against ${ms(aloneMs)}`,
    },
  ];
}

export type Section = (bench: Bench, sizes: Sizes) => Promise<Row[]>;

/** What can be measured of little. */
async function webhooks({ cli, env, folder }: Bench): Promise<Row[]> {
  const { toldMs, polledMs } = await measureWebhooks(cli, env, folder);
  return [
    {
      what: "from the provider's completion to ours, told by a webhook, against polling",
      value: toldMs / polledMs,
      most: 0.5,
      figures: `${ms(toldMs)} against ${ms(polledMs)}`,
    },
  ];
}

export const SCALED: readonly Section[] = [
  ...[start, answers, http, call, download, following, manyJobs, fairness, search],
];
/** What is always measured of as much, and takes its time. */
export const WHOLE: readonly Section[] = [wrongArguments, pictures, delegate, webhooks];
