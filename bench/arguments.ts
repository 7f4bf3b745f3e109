import { median, Program } from "./child.ts";

const ROUNDS = 5;

export interface ArgumentFigures {
  refusedMs: number;
  parsedMs: number;
}

/** A call with 300,000 unknown arguments refused, beside the mere parsing of its line. */
export async function measureArguments(
  cli: string,
  env: Record<string, string>,
): Promise<ArgumentFigures> {
  const names = Array.from({ length: 300_000 }, (_, number) => [`k${number}`, 1] as const);
  const params = { name: "spending", arguments: Object.fromEntries(names) };
  const line = JSON.stringify({ jsonrpc: "2.0", id: 1, method: "tools/call", params });
  const program = new Program([cli], env);
  const [refused, parsed]: [number[], number[]] = [[], []];
  try {
    await program.initialize();
    for (let round = 0; round < ROUNDS; round++) {
      const parsedAt = performance.now();
      JSON.parse(line);
      parsed.push(performance.now() - parsedAt);
      const startedAt = performance.now();
      await program.request("tools/call", params);
      refused.push(performance.now() - startedAt);
    }
    return { refusedMs: median(refused), parsedMs: median(parsed) };
  } finally {
    await program.end();
  }
}
