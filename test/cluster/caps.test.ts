import { describe, expect, test } from "vitest";
import { BASE, benchFor } from "../contracts/kit.ts";
import { processesFor } from "../contracts/processes.ts";
import { codesOf, type Race, valuesOf } from "../contracts/racer.ts";
import { leftJob, NO_LIMITS, OWNER } from "../support/rig.ts";
import { emptyPlace } from "./empty-place.ts";
import { open, opener } from "./postgres-opener.ts";

const bench = benchFor({ place: emptyPlace, open, opener });
const race = processesFor({ opener });
const HOLDERS = ["one", "two", "three"];
const LIMITS = { ...NO_LIMITS, perDayUsd: 1 };

/** What each of three processes starts at once, together as many as that. */
function starts(count: number, change: (n: number) => object): Race[] {
  const all = Array.from({ length: count }, (_, n) => n);
  return HOLDERS.map((holder, process) => ({
    ...{ store: "jobs", method: "admit" },
    calls: all
      .filter((n) => n % HOLDERS.length === process)
      .map((n) => leftJob({ baseUrl: BASE, reservedUsd: 0.07, ...change(n) }))
      .map((job) => [job, holder, { forceNew: false, limits: LIMITS, now: job.createdAt }]),
  }));
}

describe("three processes", () => {
  test("stay within a cap to the cent, whatever they start at once", async () => {
    // All of one day, whenever it ends.
    const createdAt = Date.now();
    const jobs = starts(64, (n) => ({ fingerprint: `${n}`, createdAt }));
    const found = (await race(bench.place, ...jobs)).flat();
    // Fourteen times seven cents fit into a dollar.
    expect(valuesOf(found)).toEqual(Array.from({ length: 14 }, () => ({ kind: "new" })));
    expect(codesOf(found)).toEqual(Array.from({ length: 50 }, () => "over_budget"));
    const { todayUsd } = await bench.jobs.committed(OWNER, createdAt);
    expect(todayUsd).toBe(0.98);
  });

  test("record one of many identical jobs", async () => {
    const same = () => ({ fingerprint: "same" });
    const found = valuesOf((await race(bench.place, ...starts(150, same))).flat());
    expect(found).toHaveLength(150);
    expect(found.filter((one) => JSON.stringify(one) === '{"kind":"new"}')).toHaveLength(1);
    expect((await bench.jobs.list({ owner: OWNER, limit: 10 })).jobs).toHaveLength(1);
  });
});
