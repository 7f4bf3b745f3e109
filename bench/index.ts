import { mkdtemp, rm } from "node:fs/promises";
import { cpus, tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { compareWith } from "./against.ts";
import { DOWNLOADING, downloadAll } from "./download.ts";
import { isMissed, line, type Row } from "./rows.ts";
import { type Bench, FULL, QUICK, SCALED, WHOLE } from "./sections.ts";

/*
 * Prints what the documentation's table shows. Everything is a ratio or a difference in one run.
 *
 * npm run bench                            all of it; fails where a target is missed
 * npm run bench -- --quick                 a little of each, within a minute and without bounds
 * npm run bench -- --against 'npx other'   another server on stdio beside this one
 */

// It adds 30 ms to every start of Node and would flatter the ratio.
delete process.env["NODE_EXTRA_CA_CERTS"];

const [first, way = "", origin = "", target = "", files] = process.argv.slice(2);
if (first === DOWNLOADING) await downloadAll(way, origin, target, Number(files));
else await run();

async function run(): Promise<void> {
  const { values: flags } = parseArgs({
    options: { quick: { type: "boolean", default: false }, against: { type: "string" } },
  });
  const folder = await mkdtemp(join(tmpdir(), "longcat-bench-"));
  const env = {
    HOME: folder,
    PIXAZO_API_KEY: "bench-key-0123456789",
    LONGCAT_MCP_DATA_DIR: join(folder, "data"),
    LONGCAT_MCP_OUTPUT_DIR: join(folder, "out"),
  };
  const bench: Bench = { cli: resolve("dist/cli.js"), env, folder };
  console.log(`Node ${process.version}, ${cpus().length} × ${cpus()[0]?.model ?? "CPU"}\n`);
  try {
    if (flags.against === undefined) await measureAll(bench, flags.quick);
    else console.log(await compareWith(flags.against, bench));
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function measureAll(bench: Bench, isQuick: boolean): Promise<void> {
  const rows: Row[] = [];
  const sections = isQuick ? SCALED : [...SCALED, ...WHOLE];
  for (const section of sections) rows.push(...(await section(bench, isQuick ? QUICK : FULL)));
  console.log("| What | Measured | Target | Figures |\n|---|---|---|---|");
  for (const row of rows) console.log(line(row, !isQuick));
  const isBad = isQuick ? ({ value }: Row) => !Number.isFinite(value) : isMissed;
  if (rows.some(isBad)) process.exitCode = 1;
}
