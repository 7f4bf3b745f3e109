import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { parse } from "yaml";
import * as z from "zod";
import {
  AnswerFigures,
  jobFamilies,
  ProcessFigures,
  serverFamilies,
} from "../../src/cli/figures.ts";
import { exposition } from "../../src/core/metrics.ts";
import { Timings } from "../../src/core/timings.ts";
import { FakeClock } from "../support/fake-clock.ts";
import { parseExposition } from "../support/prometheus.ts";

const FOLDER = join(import.meta.dirname, "../../docs/monitoring");
const read = (name: string) => readFileSync(join(FOLDER, name), "utf8");
const NAME = /\b(?:longcat_mcp|process|nodejs)_[a-z0-9_]+/g;

/** The names of all figures that the program tells. */
async function told(): Promise<Set<string>> {
  const clock = new FakeClock();
  const timings = new Timings(clock);
  for (const what of ["submit", "poll", "download"] as const) {
    await timings.time(what, "op", async () => {});
  }
  const answers = new AnswerFigures();
  answers.note({ method: "POST", route: "/mcp", status: 200, seconds: 1, isStream: false });
  const figures = new ProcessFigures();
  const charge = { charge: "spent", jobs: 1, usd: 1 } as const;
  const page = exposition([
    ...serverFamilies({ version: "1", reasons: [], isDraining: false, isStoreUp: true }),
    ...jobFamilies(
      {
        counted: [{ state: "completed", operation: "op", ...charge }],
        oldest: [{ state: "queued", createdAt: clock.now() }],
      },
      clock,
    ),
    ...timings.families(),
    ...answers.families({ calls: 0, streams: 0 }),
    ...figures.families(),
  ]);
  figures.close();
  return new Set(parseExposition(page).samples.map(({ name }) => name));
}

const rules = z
  .object({
    groups: z.tuple([
      z.object({
        name: z.string(),
        rules: z.array(
          z.object({
            alert: z.string().regex(/^[A-Z]\w+$/),
            expr: z.string(),
            for: z
              .string()
              .regex(/^\d+[smh]$/)
              .optional(),
            labels: z.object({ severity: z.enum(["critical", "warning"]) }),
            annotations: z.object({ summary: z.string(), description: z.string() }),
          }),
        ),
      }),
    ]),
  })
  .parse(parse(read("alerts.yml"))).groups[0].rules;

const dashboard = z
  .looseObject({
    title: z.string(),
    panels: z.array(
      z.looseObject({
        id: z.number(),
        title: z.string(),
        gridPos: z.object({ x: z.number(), y: z.number(), w: z.number(), h: z.number() }),
        targets: z.array(z.looseObject({ expr: z.string() })),
      }),
    ),
  })
  .parse(JSON.parse(read("grafana-dashboard.json")));

const expressions = [
  ...rules.map(({ expr }) => expr),
  ...dashboard.panels.flatMap(({ targets }) => targets.map(({ expr }) => expr)),
];

test("whatever the dashboard and the alerts ask for is told", async () => {
  const names = await told();
  expect(rules).toHaveLength(3);
  for (const expr of expressions) {
    const asked = expr.match(NAME) ?? [];
    expect(asked.length, expr).toBeGreaterThan(0);
    for (const name of asked) expect(names, expr).toContain(name);
  }
});

test("the page about running a server has all figures of ours, and no others", async () => {
  const page = readFileSync(join(FOLDER, "../operations.md"), "utf8");
  const shown = [...new Set(page.match(/longcat_mcp_[a-z0-9_]+/g))].sort();
  const names = [...(await told())].filter((name) => name.startsWith("longcat_mcp_"));
  const families = names.map((name) => name.replace(/_(?:bucket|sum|count)$/, ""));
  expect(shown).toEqual([...new Set(families)].sort());
});

test("what they ask is well formed", () => {
  for (const expr of expressions) {
    for (const [open = "", close = ""] of ["()", "{}", "[]"].map((pair) => [...pair])) {
      expect(expr.split(open).length, expr).toBe(expr.split(close).length);
    }
    expect(expr.split('"').length % 2, expr).toBe(1);
  }
});

test("no panel lies on another", () => {
  const cells = dashboard.panels.flatMap(({ gridPos: { x, y, w, h } }) =>
    Array.from({ length: w * h }, (_, at) => `${x + (at % w)} ${y + Math.floor(at / w)}`),
  );
  expect(new Set(cells).size).toBe(cells.length);
  expect(new Set(dashboard.panels.map(({ id }) => id)).size).toBe(dashboard.panels.length);
});
