import { spawn } from "node:child_process";
import { median, Program } from "./child.ts";

/** By then a program has kept what was compiled. */
const KEPT_AFTER_MS = 3_000;
const MODELS = { name: "image_models", arguments: {} };

export interface StartFigures {
  listMs: number;
  /** To the first answer of a tool, asked right after the list. */
  modelsMs: number;
  bareMs: number;
}

/**
 * Time from spawn to the answer of `tools/list`, and to that of a tool, beside that of a Node that
 * does nothing.
 */
export async function measureStart(
  cli: string,
  env: Record<string, string>,
  rounds: number,
): Promise<StartFigures> {
  const list: number[] = [];
  const models: number[] = [];
  const bare: number[] = [];
  for (let round = 0; round < rounds; round++) {
    list.push(await untilAnswered(cli, env, () => Promise.resolve()));
    models.push(await untilAnswered(cli, env, (program) => program.request("tools/call", MODELS)));
    bare.push(await runToEnd(["-e", "0"]));
  }
  return { listMs: median(list), modelsMs: median(models), bareMs: median(bare) };
}

/** Only the first start of a version is without what was compiled; what is measured has it. */
export async function keepCompiledCode(cli: string, env: Record<string, string>): Promise<void> {
  const program = new Program([cli], env);
  await program.initialize();
  await program.request("tools/call", MODELS);
  await new Promise((resolve) => setTimeout(resolve, KEPT_AFTER_MS));
  await program.end();
}

async function untilAnswered(
  cli: string,
  env: Record<string, string>,
  ask: (program: Program) => Promise<unknown>,
): Promise<number> {
  const startedAt = performance.now();
  const program = new Program([cli], env);
  await program.initialize();
  await program.request("tools/list");
  await ask(program);
  const took = performance.now() - startedAt;
  await program.end();
  return took;
}

function runToEnd(args: readonly string[]): Promise<number> {
  const startedAt = performance.now();
  const child = spawn(process.execPath, [...args], { env: { PATH: process.env["PATH"] ?? "" } });
  return new Promise((resolve) => {
    child.once("exit", () => resolve(performance.now() - startedAt));
  });
}
