/** What Prometheus is told of one figure, under its labels. */
export interface Sample {
  labels: Readonly<Record<string, string>>;
  value: number;
}

/** A figure and all that it is made of. */
export interface Family {
  name: string;
  help: string;
  type: "counter" | "gauge" | "histogram";
  samples: readonly (Sample & { suffix?: "_bucket" | "_sum" | "_count" })[];
}

/** A figure that only grows. */
export class Counter {
  readonly #facts: Pick<Family, "name" | "help">;
  readonly #samples = new Map<string, { labels: Sample["labels"]; value: number }>();

  constructor(name: string, help: string) {
    this.#facts = { name, help };
  }

  /** @param labels with few values each: every combination is kept for ever. */
  add(labels: Sample["labels"], value = 1): void {
    const key = JSON.stringify(labels);
    const sample = this.#samples.get(key) ?? { labels, value: 0 };
    sample.value += value;
    this.#samples.set(key, sample);
  }

  family(): Family {
    return { ...this.#facts, type: "counter", samples: [...this.#samples.values()] };
  }
}

/** How often something took how long. */
export class Histogram {
  readonly #facts: Pick<Family, "name" | "help">;
  readonly #bounds: readonly number[];
  readonly #series = new Map<
    string,
    { labels: Sample["labels"]; counts: number[]; sum: number; count: number }
  >();

  /** @param bounds upper ones, in the figure's unit, the smallest first. */
  constructor(name: string, help: string, bounds: readonly number[]) {
    this.#facts = { name, help };
    this.#bounds = bounds;
  }

  /** @param labels as those of {@link Counter.add}. */
  observe(labels: Sample["labels"], value: number): void {
    const key = JSON.stringify(labels);
    const series = this.#series.get(key) ?? {
      ...{ labels, counts: this.#bounds.map(() => 0), sum: 0, count: 0 },
    };
    this.#series.set(key, series);
    series.sum += value;
    series.count++;
    const at = this.#bounds.findIndex((bound) => value <= bound);
    if (at >= 0) series.counts[at] = (series.counts[at] ?? 0) + 1;
  }

  family(): Family {
    const samples = [...this.#series.values()].flatMap(({ labels, counts, sum, count }) => {
      let within = 0;
      const buckets = this.#bounds.map((bound, at) => {
        within += counts[at] ?? 0;
        return bucket(labels, String(bound), within);
      });
      return [
        ...buckets,
        bucket(labels, "+Inf", count),
        { suffix: "_sum" as const, labels, value: sum },
        { suffix: "_count" as const, labels, value: count },
      ];
    });
    return { ...this.#facts, type: "histogram", samples };
  }
}

function bucket(labels: Sample["labels"], le: string, value: number) {
  return { suffix: "_bucket" as const, labels: { ...labels, le }, value };
}

/** A figure that goes up and down, as it stands. */
export function gauge(name: string, help: string, samples: readonly Sample[]): Family {
  return { name, help, type: "gauge", samples };
}

/** Figures as Prometheus reads them: its text format, version 0.0.4. */
export function exposition(families: readonly Family[]): string {
  return families
    .map(({ name, help, type, samples }) => {
      const lines = samples.map(
        ({ suffix = "", labels, value }) => `${name}${suffix}${shown(labels)} ${number(value)}\n`,
      );
      return `# HELP ${name} ${escaped(help)}\n# TYPE ${name} ${type}\n${lines.join("")}`;
    })
    .join("");
}

function shown(labels: Sample["labels"]): string {
  const all = Object.entries(labels).map(
    ([name, value]) => `${name}="${escaped(value).replaceAll('"', '\\"')}"`,
  );
  return all.length === 0 ? "" : `{${all.join(",")}}`;
}

function escaped(text: string): string {
  return text.replaceAll("\\", "\\\\").replaceAll("\n", "\\n");
}

function number(value: number): string {
  if (Number.isNaN(value)) return "NaN";
  if (Number.isFinite(value)) return String(value);
  return value > 0 ? "+Inf" : "-Inf";
}
