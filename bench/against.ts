import { median, Program } from "./child.ts";
import { mib, ms } from "./rows.ts";
import type { Bench } from "./sections.ts";

const ROUNDS = 11;
const LISTS = 200;
const SETTLE_MS = 500;

interface Figures {
  startMs: number;
  listMs: number;
  residentBytes: number;
  /** Of the first list. */
  listBytes: number;
}

type Start = () => Program;

/**
 * What any MCP server on stdio can be asked, of this one and another by turns, as a table.
 * @param command as a shell would start the other one
 */
export async function compareWith(command: string, { cli, env }: Bench): Promise<string> {
  const ours: Start = () => new Program([cli], env);
  // `exec`, so that what is measured is the server itself.
  const theirs: Start = () => new Program(["-c", `exec ${command}`], { ...env }, "/bin/sh");
  const figures = { ours: [] as Figures[], theirs: [] as Figures[] };
  for (let round = 0; round < ROUNDS; round++) {
    figures.ours.push(await measure(ours));
    figures.theirs.push(await measure(theirs));
  }
  const row = (what: string, of: (one: Figures) => number, show: (value: number) => string) => {
    const [mine, other] = [median(figures.ours.map(of)), median(figures.theirs.map(of))];
    return `| ${what} | ${show(mine)} | ${show(other)} | ${(mine / other).toFixed(2)} |`;
  };
  return [
    `| What | longcat-mcp | \`${command}\` | Ratio |`,
    "|---|---|---|---|",
    row("start to `tools/list`", ({ startMs }) => startMs, ms),
    row("`tools/list` again", ({ listMs }) => listMs, ms),
    row("memory after the list", ({ residentBytes }) => residentBytes, mib),
    row("bytes of the list", ({ listBytes }) => listBytes, String),
  ].join("\n");
}

async function measure(start: Start): Promise<Figures> {
  const startedAt = performance.now();
  const program = start();
  try {
    await program.initialize();
    const listBytes = Buffer.byteLength(JSON.stringify(await program.request("tools/list")));
    const startMs = performance.now() - startedAt;
    await new Promise((resolve) => setTimeout(resolve, SETTLE_MS));
    const residentBytes = program.residentBytes();
    const times: number[] = [];
    for (let n = 0; n < LISTS; n++) {
      const askedAt = performance.now();
      await program.request("tools/list");
      times.push(performance.now() - askedAt);
    }
    return { startMs, listMs: median(times), residentBytes, listBytes };
  } finally {
    await program.end();
  }
}
