import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { cpus, tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { DOWNLOADING, downloadAll } from "./download.ts";
import { isMissed, type Row } from "./rows.ts";
import type { Bench } from "./sections.ts";
import { middle, pageWith, tableOf } from "./table.ts";

/*
 * Prints what the documentation's table shows. Everything is a ratio or a difference in one run.
 *
 * npm run bench                            all of it; fails where a target is missed
 * npm run bench -- --quick                 a little of each, within a minute and without bounds
 * npm run bench -- --runs 5                five times, of each row the one in the middle
 * npm run bench -- --runs 5 --write        and into docs/performance.md
 * npm run bench -- --against 'npx other'   another server on stdio beside this one
 */

const PAGE = "docs/performance.md";
const MACHINE = `Node ${process.version}, ${cpus().length} × ${cpus()[0]?.model ?? "CPU"}`;

// It adds 30 ms to every start of Node and would flatter the ratio.
delete process.env["NODE_EXTRA_CA_CERTS"];

const [first, way = "", origin = "", target = "", files] = process.argv.slice(2);
if (first === DOWNLOADING) await downloadAll(way, origin, target, Number(files));
else await run();

async function run(): Promise<void> {
  const { values: flags } = parseArgs({
    options: {
      quick: { type: "boolean", default: false },
      runs: { type: "string", default: "1" },
      write: { type: "boolean", default: false },
      against: { type: "string" },
    },
  });
  const { against, quick, write } = flags;
  console.log(`${MACHINE}\n`);
  if (against !== undefined) {
    const { compareWith } = await import("./against.ts");
    console.log(await inFolder((bench) => compareWith(against, bench)));
    return;
  }
  const runs: Row[][] = [];
  for (let n = 0; n < Number(flags.runs); n++) {
    runs.push(await inFolder((bench) => measureAll(bench, quick)));
    console.error(`run ${n + 1} of ${flags.runs} is over`);
  }
  const measured = middle(runs);
  const table = tableOf(measured, !quick);
  console.log(table);
  if (write) {
    const day = new Date().toISOString().slice(0, 10);
    const where = `${runs.length} ${runs.length === 1 ? "run" : "runs"} on ${day}, ${MACHINE}, without \`NODE_EXTRA_CA_CERTS\`; of each row the run in the middle, and the lowest and highest of all:`;
    await writeFile(PAGE, pageWith(await readFile(PAGE, "utf8"), where, table));
  }
  const isBad = quick ? ({ value }: Row) => !Number.isFinite(value) : isMissed;
  if (measured.some(({ row }) => isBad(row))) process.exitCode = 1;
}

/** Measures in a folder of its own: nothing is left from what was measured before. */
async function inFolder<T>(measure: (bench: Bench) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), "longcat-bench-"));
  const env = {
    HOME: folder,
    PIXAZO_API_KEY: "bench-key-0123456789",
    LONGCAT_MCP_DATA_DIR: join(folder, "data"),
    LONGCAT_MCP_OUTPUT_DIR: join(folder, "out"),
  };
  try {
    return await measure({ cli: resolve("dist/cli.js"), env, folder });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function measureAll(bench: Bench, isQuick: boolean): Promise<Row[]> {
  // Where this program is one of those that are measured, it has none of it in memory.
  const { FULL, QUICK, SCALED, WHOLE } = await import("./sections.ts");
  const rows: Row[] = [];
  const sections = isQuick ? SCALED : [...SCALED, ...WHOLE];
  for (const section of sections) rows.push(...(await section(bench, isQuick ? QUICK : FULL)));
  return rows;
}
