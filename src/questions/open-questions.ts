import type { Clock } from "../core/clock.ts";

/** What a question came to. `ended`: its call is over, and nobody has said anything. */
export type Verdict =
  | { kind: "accepted"; chosen: string }
  | { kind: "refused"; said: string }
  | { kind: "ended" };

interface Open {
  verdict: Promise<Verdict>;
  settle: (verdict: Verdict) => void;
  /** When nothing is to be expected any more, in milliseconds of the process's own clock. */
  until: number;
}

/** Questions that are being asked, so that calls that want the same ask once. */
export class OpenQuestions {
  readonly #clock: Clock;
  readonly #open = new Map<string, Open>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** What somebody else is asked already, and will have come to. */
  find(name: string): Promise<Verdict> | undefined {
    this.#forgetOld();
    return this.#open.get(name)?.verdict;
  }

  /** Notes that a question is asked; in place of an earlier one of this name, of which nobody hears. */
  begin(name: string, forMs: number): void {
    this.#forgetOld();
    let settle: Open["settle"] = () => {};
    const verdict = new Promise<Verdict>((resolve) => {
      settle = resolve;
    });
    this.#open.delete(name);
    this.#open.set(name, { verdict, settle, until: this.#clock.elapsed() + forMs });
  }

  /** Tells all who wait for it what a question came to. */
  end(name: string, verdict: Verdict): void {
    this.#open.get(name)?.settle(verdict);
    this.#open.delete(name);
  }

  #forgetOld(): void {
    const now = this.#clock.elapsed();
    for (const [name, { until, settle }] of this.#open) {
      if (until > now) continue;
      settle({ kind: "ended" });
      this.#open.delete(name);
    }
  }
}
