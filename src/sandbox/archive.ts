import type { Clock } from "../core/clock.ts";
import type { Commission } from "./contract/commission.ts";
import type { ArmedFault } from "./faults/plan.ts";
import type { Twist } from "./faults/twist.ts";
import type { LoadedInputs } from "./input-loader.ts";
import type { Schedule } from "./queue.ts";

/** One accepted request and all that is needed to tell and draw its result at any later time. */
export interface SandboxJob {
  requestId: string;
  modelId: string;
  /** Answered at once; the status operation does not know it. */
  synchronous: boolean;
  commission: Commission;
  schedule: Schedule;
  /** What goes wrong with it, if anything. */
  twist: Twist;
  /** Faults of its later status and file requests. */
  armed: readonly ArmedFault[];
  inputs: Promise<LoadedInputs>;
  files: readonly MediaFile[];
  /** How often its status was asked for since it started. */
  polls: number;
  /** Whether it has already been reported as queued again after its end. */
  relapsed: boolean;
}

export interface MediaFile {
  path: string;
  contentType: string;
}

const MOST_UNFINISHED = 20_000;
const MOST_INPUT_BYTES = 128 * 1024 * 1024;
/** How many of the oldest jobs are looked at when room is needed. */
const LOOKED_AT = 200;

/** The jobs, in the order they came in; the oldest finished ones are forgotten. */
export class Archive {
  readonly #clock: Clock;
  readonly #keep: number;
  readonly #jobs = new Map<string, SandboxJob>();
  readonly #byPath = new Map<string, { job: SandboxJob; index: number }>();
  readonly #inputBytes = new Map<string, number>();

  constructor(clock: Clock, options: { keep: number }) {
    this.#clock = clock;
    this.#keep = options.keep;
  }

  add(job: SandboxJob): void {
    this.#jobs.set(job.requestId, job);
    for (const [index, file] of job.files.entries()) this.#byPath.set(file.path, { job, index });
    void job.inputs.then((inputs) => {
      if ("problem" in inputs || !this.#jobs.has(job.requestId)) return;
      const bytes = inputs.reduce((sum, input) => sum + input.sizeBytes, 0);
      if (bytes > 0) this.#inputBytes.set(job.requestId, bytes);
    });
    this.#makeRoom();
  }

  get(requestId: string): SandboxJob | undefined {
    return this.#jobs.get(requestId);
  }

  /** The job whose file has this path, and which of its files it is, counted from 0. */
  fileAt(path: string): { job: SandboxJob; index: number } | undefined {
    return this.#byPath.get(path);
  }

  get size(): number {
    return this.#jobs.size;
  }

  #makeRoom(): void {
    const now = this.#clock.now();
    let inputBytes = [...this.#inputBytes.values()].reduce((sum, bytes) => sum + bytes, 0);
    let lookedAt = 0;
    for (const [requestId, job] of this.#jobs) {
      const full = this.#jobs.size > this.#keep || inputBytes > MOST_INPUT_BYTES;
      if (!full || ++lookedAt > LOOKED_AT) return;
      if (job.schedule.endsAt > now && this.#jobs.size <= MOST_UNFINISHED) continue;
      inputBytes -= this.#inputBytes.get(requestId) ?? 0;
      this.#forget(requestId, job);
    }
  }

  #forget(requestId: string, job: SandboxJob): void {
    this.#jobs.delete(requestId);
    this.#inputBytes.delete(requestId);
    for (const { path } of job.files) this.#byPath.delete(path);
  }
}
