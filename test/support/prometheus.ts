/** One sample of an exposition. */
export interface Read {
  name: string;
  labels: Record<string, string>;
  value: number;
}

const NAME = "[a-zA-Z_:][a-zA-Z0-9_:]*";
const SAMPLE = new RegExp(`^(${NAME})(?:\\{(.*)\\})? (\\S+)$`);
const LABEL = /^([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\[\\"n])*)"(?:,|$)/;
const NUMBER = /^(?:[+-]?(?:\d+\.?\d*(?:e[+-]?\d+)?|Inf)|NaN)$/i;
const TYPES = ["counter", "gauge", "histogram"];

/**
 * Reads Prometheus' text format as strictly as its own tools do, its conventions for names included.
 * @throws Error saying which line is wrong.
 */
export function parseExposition(text: string): { samples: Read[]; types: Map<string, string> } {
  const types = new Map<string, string>();
  const helps = new Set<string>();
  const samples: Read[] = [];
  const seen = new Set<string>();
  let current = "";
  const wrong = (line: string, why: string) => new Error(`${why}: ${line}`);
  if (text !== "" && !text.endsWith("\n")) throw wrong(text.slice(-80), "no end of line");
  for (const line of text.split("\n").slice(0, -1)) {
    const help = new RegExp(`^# HELP (${NAME}) (.+)$`).exec(line);
    if (help) {
      current = help[1] ?? "";
      if (helps.has(current)) throw wrong(line, "told twice, or apart");
      helps.add(current);
      continue;
    }
    const type = new RegExp(`^# TYPE (${NAME}) (\\w+)$`).exec(line);
    if (type) {
      const [, name = "", kind = ""] = type;
      if (name !== current || types.has(name)) throw wrong(line, "not right behind its help");
      if (!TYPES.includes(kind)) throw wrong(line, "no such type");
      if ((kind === "counter") !== name.endsWith("_total")) throw wrong(line, "named like another");
      types.set(name, kind);
      continue;
    }
    const [, name = "", labelText = "", number = ""] = SAMPLE.exec(line) ?? [];
    if (name === "" || !NUMBER.test(number)) throw wrong(line, "no sample");
    const family =
      types.get(current) === "histogram" ? name.replace(/_(?:bucket|sum|count)$/, "") : name;
    if (family !== current || !types.has(family)) throw wrong(line, "not among its family");
    const labels = labelsOf(labelText, line);
    const key = `${name} ${JSON.stringify(Object.entries(labels).sort())}`;
    if (seen.has(key)) throw wrong(line, "told twice");
    seen.add(key);
    samples.push({ name, labels, value: Number(number.replace("Inf", "Infinity")) });
  }
  for (const [name, kind] of types) if (kind === "histogram") checkHistogram(name, samples);
  return { samples, types };
}

function labelsOf(text: string, line: string): Record<string, string> {
  const labels: Record<string, string> = {};
  for (let rest = text; rest !== ""; ) {
    const [all = "", name = "", value = ""] = LABEL.exec(rest) ?? [];
    if (name === "" || name in labels) throw new Error(`labels: ${line}`);
    labels[name] = value.replace(/\\(.)/g, (_, one) => (one === "n" ? "\n" : one));
    rest = rest.slice(all.length);
  }
  return labels;
}

/** Buckets that only grow, the last of them all there are. */
function checkHistogram(name: string, samples: readonly Read[]): void {
  const series = (one: Read) => {
    const { le: _, ...labels } = one.labels;
    return JSON.stringify(Object.entries(labels).sort());
  };
  const counts = samples.filter((one) => one.name === `${name}_count`);
  for (const count of counts) {
    const own = samples.filter((one) => series(one) === series(count));
    const buckets = own.filter((one) => one.name === `${name}_bucket`);
    const bounds = buckets.map(({ labels }) => Number(labels["le"]?.replace("Inf", "Infinity")));
    const grows = (values: number[], least: number) =>
      values.every((value, at) => at === 0 || value - (values[at - 1] ?? 0) >= least);
    const values = buckets.map(({ value }) => value);
    const isWhole = bounds.at(-1) === Infinity && values.at(-1) === count.value;
    const hasSum = own.filter((one) => one.name === `${name}_sum`).length === 1;
    if (!isWhole || !hasSum || !grows(values, 0) || !grows(bounds, Number.MIN_VALUE)) {
      throw new Error(`not a histogram: ${name} ${series(count)}`);
    }
  }
  const others = samples.filter((one) => one.name === `${name}_bucket`).map(series);
  if (new Set(others).size !== counts.length) throw new Error(`buckets without a count: ${name}`);
}
