import { spawn } from "node:child_process";
import { median, Program } from "./child.ts";

export interface StartFigures {
  listMs: number;
  bareMs: number;
}

/** Time from spawn to the answer of `tools/list`, beside that of a Node that does nothing. */
export async function measureStart(
  cli: string,
  env: Record<string, string>,
  rounds: number,
): Promise<StartFigures> {
  const list: number[] = [];
  const bare: number[] = [];
  for (let round = 0; round < rounds; round++) {
    const startedAt = performance.now();
    const program = new Program([cli], env);
    await program.initialize();
    await program.request("tools/list");
    list.push(performance.now() - startedAt);
    await program.end();
    bare.push(await runToEnd(["-e", "0"]));
  }
  return { listMs: median(list), bareMs: median(bare) };
}

function runToEnd(args: readonly string[]): Promise<number> {
  const startedAt = performance.now();
  const child = spawn(process.execPath, [...args], { env: { PATH: process.env["PATH"] ?? "" } });
  return new Promise((resolve) => {
    child.once("exit", () => resolve(performance.now() - startedAt));
  });
}
