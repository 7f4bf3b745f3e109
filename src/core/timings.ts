import type { Clock } from "./clock.ts";
import { toAppError } from "./errors.ts";
import { type Family, Histogram } from "./metrics.ts";

/** Of requests to a provider, which may wait for a picture to be drawn, and of files. */
const SECONDS = [0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 25, 60, 120, 300] as const;

/** What is timed, with what its figure says of it. */
const TIMED = {
  submit: "How long requests that buy something took, by operation and by what came of them.",
  poll: "How long looks at a job's status took, by operation and by what came of them.",
  download: "How long fetching one finished file took, by operation and by what came of it.",
} as const;
export type Timed = keyof typeof TIMED;

/** How long the world outside takes, as this process has seen it. */
export class Timings {
  readonly #clock: Clock;
  readonly #histograms: Readonly<Record<Timed, Histogram>>;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#histograms = {
      submit: histogram("submit"),
      poll: histogram("poll"),
      download: histogram("download"),
    };
  }

  /**
   * Times some work, whatever comes of it.
   * @param outcomeOf one of a few words for what it brings, `ok` when absent.
   * @param failureOf another for why it throws, the error's code when absent.
   */
  async time<T>(
    what: Timed,
    operation: string,
    work: () => Promise<T>,
    outcomeOf: (result: T) => string = () => "ok",
    failureOf: (error: unknown) => string = (error) => toAppError(error).code,
  ): Promise<T> {
    const note = this.begin(what, operation);
    try {
      const result = await work();
      note(outcomeOf(result));
      return result;
    } catch (error) {
      note(failureOf(error));
      throw error;
    }
  }

  /** Begins to time something. @returns what is called once when it is over, as for `time`. */
  begin(what: Timed, operation: string): (outcome: string) => void {
    const startedAt = this.#clock.elapsed();
    return (outcome) => {
      const seconds = (this.#clock.elapsed() - startedAt) / 1000;
      this.#histograms[what].observe({ operation, outcome }, seconds);
    };
  }

  families(): Family[] {
    return Object.values(this.#histograms).map((one) => one.family());
  }
}

function histogram(what: Timed): Histogram {
  return new Histogram(`longcat_mcp_${what}_duration_seconds`, TIMED[what], SECONDS);
}
