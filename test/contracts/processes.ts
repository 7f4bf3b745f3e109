import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { join, resolve } from "node:path";
import { build } from "esbuild";
import { afterAll, beforeAll } from "vitest";
import * as z from "zod";
import type { StoreKit } from "./kit.ts";
import type { Outcome, Race } from "./racer.ts";

const outcomes = z.array(
  z.union([z.object({ value: z.unknown() }), z.object({ code: z.unknown() })]),
);

/** Other processes on one place, which begin when all of them have opened it. */
export function processesFor(kit: Pick<StoreKit, "opener">) {
  let folder = "";
  let script = "";
  /** They live as long as the suite; each has open what it races on. */
  const children: ChildProcess[] = [];
  beforeAll(async () => {
    folder = await mkdtemp(join(resolve("node_modules"), ".racer-"));
    script = join(folder, "racer.mjs");
    await build({
      stdin: {
        contents: `import { open } from ${JSON.stringify(kit.opener)};
          import { race } from ${JSON.stringify(join(import.meta.dirname, "racer.ts"))};
          race(open);`,
        resolveDir: import.meta.dirname,
      },
      outfile: script,
      bundle: true,
      format: "esm",
      platform: "node",
      packages: "external",
    });
  });
  afterAll(async () => {
    for (const child of children) {
      if (!child.connected) continue;
      child.disconnect();
      await once(child, "exit");
    }
    await rm(folder, { recursive: true, force: true });
  });

  const childOf = (n: number): ChildProcess => {
    const child = children[n] ?? fork(script, { serialization: "advanced", execArgv: [] });
    children[n] = child;
    return child;
  };
  const ask = async (child: ChildProcess, what: { place: string } | Race): Promise<unknown> => {
    const answer = once(child, "message");
    child.send(what);
    return (await answer)[0];
  };

  /** Gives each process its calls. @returns what came of them, by process. */
  return async (place: string, ...races: readonly Race[]): Promise<Outcome[][]> => {
    const racers = races.map((race, n) => ({ race, child: childOf(n) }));
    await Promise.all(racers.map(({ child }) => ask(child, { place })));
    return Promise.all(
      racers.map(async ({ race, child }) => outcomes.parse(await ask(child, race))),
    );
  };
}
