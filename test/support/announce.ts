import type { TestProject } from "vitest/node";

/** How long all of a project's tests take together on two quiet cores. */
const TAKES: Readonly<Record<string, string>> = {
  unit: "twenty seconds",
  together: "twenty seconds",
  rooms: "a minute",
  alone: "three seconds",
  program: "three quarters of a minute",
  attack: "ten minutes",
  soak: "four minutes",
  cluster: "three minutes",
  proxy: "a quarter of a minute",
  browser: "a minute",
  bundle: "twenty seconds",
  conformance: "a minute",
};

/** Says at the start of a run how long it will take. */
export function setup({ name }: TestProject): void {
  const takes = TAKES[name];
  if (takes !== undefined) {
    process.stdout.write(`All ${name} tests take about ${takes} on two quiet cores.\n`);
  }
}
