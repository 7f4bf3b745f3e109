import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { median, Program } from "./child.ts";

const ROUNDS = 300;
/** By then the program is loaded, and has done what it does after a start. */
const SETTLE_MS = 2_000;

/** A program that answers every request with the bytes of a file, whose id it replaces. */
const PREPARED = `
  const line = require("node:fs").readFileSync(process.argv[1], "utf8");
  const [before, after] = line.split(/"id":\\d+(?=[,}])/);
  let rest = "";
  process.stdin.setEncoding("utf8").on("data", (piece) => {
    const lines = (rest + piece).split("\\n");
    rest = lines.pop();
    for (const line of lines) {
      const { id } = JSON.parse(line);
      if (id !== undefined) process.stdout.write(before + '"id":' + id + after + "\\n");
    }
  });`;

export interface AnswerFigures {
  /** `tools/list` asked again, and the same bytes from a program that has them as text. */
  listMs: number;
  preparedMs: number;
  firstModelsMs: number;
  modelsMs: number;
  /** The bytes of that answer from a program that has them as text. */
  preparedModelsMs: number;
}

/** Calls that need nothing but what the program is made of, over stdio. */
export async function measureAnswers(
  cli: string,
  env: Record<string, string>,
  folder: string,
): Promise<AnswerFigures> {
  const program = new Program([cli], env);
  try {
    await program.initialize();
    const list = () => program.answerTo("tools/list");
    const call = JSON.stringify({ name: "image_models", arguments: {} });
    const models = () => program.answerTo("tools/call", call);
    // Any call loads the program; this one has nothing to do with the models.
    await program.request("tools/call", { name: "spending", arguments: {} });
    await new Promise((resolve) => setTimeout(resolve, SETTLE_MS));
    const firstModelsMs = await timed(models);
    const [modelsMs, preparedModelsMs] = await besidePrepared(models, folder);
    const [listMs, preparedMs] = await besidePrepared(list, folder);
    return { listMs, preparedMs, firstModelsMs, modelsMs, preparedModelsMs };
  } finally {
    await program.end();
  }
}

/** Asks our program, and by turns one that has the same answer as text. */
async function besidePrepared(
  ours: () => Promise<string>,
  folder: string,
): Promise<[number, number]> {
  const bytes = join(folder, "prepared.json");
  await writeFile(bytes, await ours());
  const prepared = new Program(["-e", PREPARED, bytes], {});
  try {
    await prepared.answerTo("ping");
    return await byTurns(ours, () => prepared.answerTo("ping"));
  } finally {
    await prepared.end();
  }
}

/** Medians of two things, so that both meet the same machine. */
async function byTurns(
  ours: () => Promise<unknown>,
  other: () => Promise<unknown>,
): Promise<[number, number]> {
  const [first, second]: [number[], number[]] = [[], []];
  for (let round = 0; round < ROUNDS; round++) {
    first.push(await timed(ours));
    second.push(await timed(other));
  }
  return [median(first), median(second)];
}

async function timed(run: () => Promise<unknown>): Promise<number> {
  const startedAt = performance.now();
  await run();
  return performance.now() - startedAt;
}
