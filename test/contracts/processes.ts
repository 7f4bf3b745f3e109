import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { join, resolve } from "node:path";
import { build } from "esbuild";
import { afterAll, beforeAll, onTestFinished } from "vitest";
import * as z from "zod";
import type { StoreKit } from "./kit.ts";
import type { Outcome, Race } from "./racer.ts";

const outcomes = z.array(
  z.union([z.object({ value: z.unknown() }), z.object({ code: z.unknown() })]),
);

/** Other processes on one place, which begin when all of them are there. */
export function processesFor(kit: Pick<StoreKit, "opener">) {
  let folder = "";
  let script = "";
  beforeAll(async () => {
    folder = await mkdtemp(join(resolve("node_modules"), ".racer-"));
    script = join(folder, "racer.mjs");
    await build({
      stdin: {
        contents: `import { open } from ${JSON.stringify(kit.opener)};
          import { race } from ${JSON.stringify(join(import.meta.dirname, "racer.ts"))};
          await race(open);`,
        resolveDir: import.meta.dirname,
      },
      outfile: script,
      bundle: true,
      format: "esm",
      platform: "node",
      packages: "external",
    });
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  const start = async (place: string): Promise<ChildProcess> => {
    const child = fork(script, [place], { serialization: "advanced", execArgv: [] });
    onTestFinished(async () => {
      if (child.exitCode !== null) return;
      child.disconnect();
      await once(child, "exit");
    });
    await once(child, "message");
    return child;
  };

  /** Gives each process its calls. @returns what came of them, by process. */
  return async (place: string, ...races: readonly Race[]): Promise<Outcome[][]> => {
    const children = await Promise.all(races.map(() => start(place)));
    const answers = children.map(async (child) =>
      outcomes.parse((await once(child, "message"))[0]),
    );
    for (const [n, race] of races.entries()) children[n]?.send(race);
    return Promise.all(answers);
  };
}
