import { describe, expect, it } from "vitest";
import { fingerprintOf, standsForDuplicate } from "../../src/jobs/deduplication.ts";
import { leftJob } from "../support/rig.ts";

const NOW = Date.parse("2026-11-20T12:00:00Z");
const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const job = (change: Parameters<typeof leftJob>[0] | object) =>
  leftJob({ baseUrl: "https://a.example", ...change });

describe("a fingerprint", () => {
  it("does not depend on the order of keys", () => {
    expect(fingerprintOf("a", { x: 1, y: { b: 2, a: [1, 2] } })).toBe(
      fingerprintOf("a", { y: { a: [1, 2], b: 2 }, x: 1 }),
    );
  });

  it("depends on the operation and on every value, and on the order of lists", () => {
    const wires = [{ x: 1 }, { x: "1" }, { x: [1, 2] }, { x: [2, 1] }, {}];
    const all = ["a", "b"].flatMap((name) => wires.map((wire) => fingerprintOf(name, wire)));
    expect(new Set(all).size).toBe(all.length);
  });
});

describe("an identical earlier job stands for a call", () => {
  it.each(["queued", "submitting", "running", "downloading"] as const)(
    "while it is %s",
    (state) => {
      expect(standsForDuplicate(job({ state, createdAt: 0, updatedAt: 0 }), NOW)).toBe(true);
    },
  );

  const completed = { state: "completed", charge: "spent" } as const;

  it("for ten minutes while its result was never delivered", () => {
    const at = (ago: number) => job({ ...completed, completedAt: NOW - ago, deliveredAt: null });
    expect(standsForDuplicate(at(10 * MINUTE - 1), NOW)).toBe(true);
    expect(standsForDuplicate(at(10 * MINUTE), NOW)).toBe(false);
  });

  it("for twenty seconds after it was", () => {
    const at = (ago: number) => job({ ...completed, completedAt: 0, deliveredAt: NOW - ago });
    expect(standsForDuplicate(at(20 * SECOND - 1), NOW)).toBe(true);
    expect(standsForDuplicate(at(20 * SECOND), NOW)).toBe(false);
  });

  it("for ever while its outcome is unknown, and no longer once that is settled", () => {
    const unknown = { state: "unknown", completedAt: 0, deliveredAt: 0 } as const;
    expect(standsForDuplicate(job({ ...unknown, charge: "uncertain" }), NOW)).toBe(true);
    expect(standsForDuplicate(job({ ...unknown, charge: "none" }), NOW)).toBe(false);
    expect(standsForDuplicate(job({ ...unknown, charge: "spent" }), NOW)).toBe(false);
  });

  it.each(["failed", "errored", "cancelled"] as const)(
    "never when it %s and cost nothing: trying again buys nothing twice",
    (state) => {
      expect(standsForDuplicate(job({ state, charge: "none", completedAt: NOW }), NOW)).toBe(false);
    },
  );
});
