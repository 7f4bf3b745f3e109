import fc from "fast-check";
import { describe, expect, it, test } from "vitest";
import { AppError } from "../../src/core/errors.ts";
import { Counter, exposition, gauge, Histogram } from "../../src/core/metrics.ts";
import { Timings } from "../../src/core/timings.ts";
import { FakeClock } from "../support/fake-clock.ts";
import { parseExposition } from "../support/prometheus.ts";

describe("figures", () => {
  it("are written as Prometheus reads them", () => {
    const requests = new Counter("requests_total", "All of them.");
    requests.add({ status: "200" });
    requests.add({ status: "200" }, 2);
    requests.add({ status: "404" });
    expect(exposition([requests.family()])).toBe(
      '# HELP requests_total All of them.\n# TYPE requests_total counter\nrequests_total{status="200"} 3\nrequests_total{status="404"} 1\n',
    );
  });

  it("count in all buckets that are wide enough", () => {
    const took = new Histogram("took_seconds", "How long.", [0.1, 1]);
    for (const value of [0.05, 0.1, 0.5, 7]) took.observe({ of: "a" }, value);
    const { samples } = parseExposition(exposition([took.family()]));
    expect(samples.map(({ name, labels, value }) => [name, labels["le"], value])).toEqual([
      ["took_seconds_bucket", "0.1", 2],
      ["took_seconds_bucket", "1", 3],
      ["took_seconds_bucket", "+Inf", 4],
      ["took_seconds_sum", undefined, 7.65],
      ["took_seconds_count", undefined, 4],
    ]);
  });

  it("are read back whatever is in them", () => {
    const value = fc.oneof(fc.double(), fc.integer(), fc.constant(-0));
    const label = fc.string({
      unit: fc.constantFrom("a", '"', "\\", "\n", "}", ",", "=", "é", " "),
    });
    fc.assert(
      fc.property(fc.uniqueArray(label), value, fc.string(), (names, number, help) => {
        const samples = names.map((name) => ({ labels: { name, other: "x" }, value: number }));
        const text = exposition([
          gauge("some", `.${help}`.replace(/[\r\u2028\u2029]/g, ""), samples),
        ]);
        const read = parseExposition(text).samples;
        expect(read.map(({ labels }) => labels["name"])).toEqual(names);
        for (const one of read)
          expect(one.value === number || Object.is(one.value, number)).toBe(true);
      }),
    );
  });

  it.each([
    ["no end of line", "# HELP a b\n# TYPE a gauge\na 1"],
    ["a sample of nobody", "a 1\n"],
    ["one sample twice", '# HELP a b\n# TYPE a gauge\na{x="1"} 1\na{x="1"} 2\n'],
    ["a counter without _total", "# HELP a b\n# TYPE a counter\na 1\n"],
    ["a quote in a label", '# HELP a b\n# TYPE a gauge\na{x="""} 1\n'],
    ["no number", "# HELP a b\n# TYPE a gauge\na undefined\n"],
    [
      "a histogram without all",
      '# HELP a b\n# TYPE a histogram\na_bucket{le="1"} 1\na_sum 1\na_count 1\n',
    ],
    [
      "buckets that shrink",
      '# HELP a b\n# TYPE a histogram\na_bucket{le="1"} 2\na_bucket{le="+Inf"} 1\na_sum 1\na_count 1\n',
    ],
  ])("and what Prometheus would refuse is refused by these tests: %s", (_, text) => {
    expect(() => parseExposition(text)).toThrow();
  });
});

test("what the provider takes is timed, whatever comes of it", async () => {
  const clock = new FakeClock();
  const timings = new Timings(clock);
  const later = async <T>(ms: number, result: () => T) => {
    await clock.advance(ms);
    return result();
  };
  await timings.time(
    "submit",
    "op",
    () => later(300, () => ({ kind: "accepted" })),
    (r) => r.kind,
  );
  const refused = timings.time("poll", "op", () =>
    later(2_000, () => {
      throw new AppError("rate_limited", "later");
    }),
  );
  await expect(refused).rejects.toMatchObject({ code: "rate_limited" });
  const { samples } = parseExposition(exposition(timings.families()));
  const sums = samples.filter(({ name }) => name.endsWith("_sum"));
  expect(sums).toEqual([
    {
      name: "longcat_mcp_submit_duration_seconds_sum",
      labels: { operation: "op", outcome: "accepted" },
      value: 0.3,
    },
    {
      name: "longcat_mcp_poll_duration_seconds_sum",
      labels: { operation: "op", outcome: "rate_limited" },
      value: 2,
    },
  ]);
});
