import { execFile } from "node:child_process";
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { promisify } from "node:util";
import * as z from "zod";
import { serveFixtures } from "./fixture-server.ts";

const WITH_GLOB_SYNC = resolve(import.meta.dirname, "with-glob-sync.mjs");
/** Ends what hangs. */
const MOST_MS = 170_000;
const MOST_RUNS = 5;
const STAMP = /^server-(.+)-\d{4}-\d\d-\d\dT[\d-]+Z$/;

const checksSchema = z.array(
  z.looseObject({
    id: z.string(),
    status: z.string(),
    errorMessage: z.string().optional(),
    details: z.unknown().optional(),
  }),
);
export type Check = z.output<typeof checksSchema>[number];

/** One run of one of the two suites. */
export interface Suite {
  name: string;
  package: "@modelcontextprotocol/conformance" | "conformance-alpha";
  args: readonly string[];
}

export const SUITES: readonly Suite[] = [
  { name: "0.1.16", package: "@modelcontextprotocol/conformance", args: ["--suite", "all"] },
  ...["2025-11-25", "2026-07-28"].map((revision) => ({
    name: `0.2.0-alpha.12, ${revision}`,
    package: "conformance-alpha" as const,
    args: ["--requirements", revision],
  })),
];

/** Whether a scenario found anything to complain of. */
export function isWrong({ status }: Check): boolean {
  return status === "FAILURE" || status === "WARNING";
}

/**
 * What a suite found, by scenario. The suites give some answers half a second, which says something
 * of the machine where it is busy: a scenario is wrong that is wrong each time.
 * @param isExcepted whether a scenario is known to be wrong.
 */
export async function runSuite(
  suite: Suite,
  isExcepted: (scenario: string) => boolean,
): Promise<Map<string, Check[]>> {
  const found = new Map<string, Check[]>();
  for (let run = 0; run < MOST_RUNS; run++) {
    for (const [scenario, checks] of await runOnce(suite)) {
      if (found.get(scenario)?.some(isWrong) !== false) found.set(scenario, checks);
    }
    const isAllRight = [...found].every(
      ([scenario, checks]) => isExcepted(scenario) || !checks.some(isWrong),
    );
    if (isAllRight) break;
  }
  return found;
}

/** Each run has a server of its own. */
async function runOnce(suite: Suite): Promise<Map<string, Check[]>> {
  const serving = await serveFixtures(() => {});
  const folder = await mkdtemp(join(tmpdir(), "conformance-"));
  try {
    await suiteSays(suite, ["server", "--url", serving.url, ...suite.args, "-o", folder]);
    const found = new Map<string, Check[]>();
    for (const name of await readdir(folder)) {
      const scenario = STAMP.exec(name)?.[1];
      if (scenario === undefined) continue;
      const text = await readFile(join(folder, name, "checks.json"), "utf8");
      found.set(scenario, checksSchema.parse(JSON.parse(text)));
    }
    return found;
  } finally {
    await serving.close();
    await rm(folder, { recursive: true, force: true });
  }
}

/** The scenarios for servers that a suite names. */
export async function scenariosOf({ package: name, args }: Suite): Promise<string[]> {
  const given = args[0] === "--requirements" ? args : [];
  const said = await suiteSays({ package: name }, ["list", "--server", ...given]);
  const [, ofServers = ""] = /^Server scenarios.*\n((?: {2}- .*\n)+)/m.exec(said) ?? [];
  return [...ofServers.matchAll(/^ {2}- (\S+)/gm)].map(([, scenario = ""]) => scenario);
}

/** What a suite prints, whether it is satisfied or not. */
async function suiteSays(suite: Pick<Suite, "package">, args: readonly string[]): Promise<string> {
  const manifest = createRequire(import.meta.url).resolve(`${suite.package}/package.json`);
  const program = join(dirname(manifest), "dist", "index.js");
  const { stdout } = await promisify(execFile)(
    process.execPath,
    ["--import", WITH_GLOB_SYNC, program, ...args],
    { timeout: MOST_MS, maxBuffer: 64 * 1024 * 1024 },
  ).catch((error: { stdout?: string }) => ({ stdout: error.stdout ?? "" }));
  return stdout;
}
