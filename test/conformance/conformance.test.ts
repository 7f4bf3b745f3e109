import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { EXCEPTIONS } from "./exceptions.ts";
import { isWrong, runSuite, SUITES, scenariosOf } from "./suites.ts";

const exceptionsOf = (name: string) => EXCEPTIONS.filter(({ suite }) => suite === name);

const RUNS = await Promise.all(
  SUITES.map(async (suite) => {
    const excepted = exceptionsOf(suite.name).map(({ scenario }) => scenario);
    return {
      name: suite.name,
      named: await scenariosOf(suite),
      found: await runSuite(suite, (scenario) => excepted.includes(scenario)),
    };
  }),
);

describe.each(RUNS)("the server scenarios of $name", ({ name, named, found }) => {
  it("are run, all of them", () => {
    expect(named.length).toBeGreaterThan(25);
    expect(named.filter((one) => !found.has(one))).toEqual([]);
  });

  const exceptions = exceptionsOf(name);
  const rest = [...found].filter(
    ([scenario]) => !exceptions.some((exception) => exception.scenario === scenario),
  );

  it.each(rest)("%s", (_, checks) => {
    expect(checks.filter(isWrong)).toEqual([]);
    expect(checks.some(({ status }) => status === "SUCCESS")).toBe(true);
  });

  it.each(exceptions)("$scenario is an exception still", ({ scenario, status }) => {
    const statuses = found.get(scenario)?.map((check) => check.status);
    expect(statuses).toContain(status);
  });
});

it("every exception is in the page about conformance", async () => {
  const page = await readFile(join(import.meta.dirname, "../../docs/conformance.md"), "utf8");
  for (const { scenario } of EXCEPTIONS) expect(page).toContain(`\`${scenario}\``);
});
