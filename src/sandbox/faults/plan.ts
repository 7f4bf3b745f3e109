import { AppError } from "../../core/errors.ts";
import { type Fault, type FaultGroup, type FaultOf, faultSchema, isOf } from "./fault-kinds.ts";
import { readMarkers, type Stage } from "./markers.ts";

/** What is happening, for a fault to match against. */
export interface Occasion {
  path: string;
  method: string;
  prompt: string;
  /** Faults that only this request or its job carries; they go first. */
  own: readonly ArmedFault[];
}

/** A fault and how often it still strikes. */
export class ArmedFault {
  readonly fault: Fault;
  #left: number;

  constructor(fault: Fault) {
    this.fault = fault;
    const { times = 1 } = fault;
    this.#left = times === 0 ? Number.POSITIVE_INFINITY : times;
  }

  get left(): number {
    return this.#left;
  }

  strikes(occasion: Occasion): boolean {
    const { path, method, prompt } = this.fault.match ?? {};
    const matched =
      this.#left > 0 &&
      occasion.path.includes(path ?? "") &&
      occasion.prompt.includes(prompt ?? "") &&
      (method === undefined || occasion.method === method.toUpperCase());
    if (matched) this.#left -= 1;
    return matched;
  }
}

/** How many different prompts with a limited fault are remembered. */
const MOST_MARKED = 1000;

/** A longer text is a document somebody attached; what it says about faults is not meant so. */
const LONGEST_MARKED_PROMPT = 8000;

/** All that shall go wrong. Nothing does unless it was asked for, here or in a prompt. */
export class FaultPlan {
  #armed: ArmedFault[] = [];
  /** Faults with a limit that came in a prompt, by prompt and marker. */
  readonly #marked = new Map<string, ArmedFault>();

  /** @throws {invalid_input} where it is not a fault. */
  add(fault: unknown): void {
    const parsed = faultSchema.safeParse(fault);
    if (!parsed.success)
      throw new AppError("invalid_input", `Not a fault: ${parsed.error.issues[0]?.message ?? ""}`);
    this.#armed.push(new ArmedFault(parsed.data));
  }

  clear(): void {
    this.#armed = [];
    this.#marked.clear();
  }

  /** What is still to come; `left` is null where it never ends, since JSON has no infinity. */
  list(): { fault: Fault; left: number | null }[] {
    return this.#armed.map(({ fault, left }) => ({
      fault,
      left: Number.isFinite(left) ? left : null,
    }));
  }

  /** The first fault of this group that matches; it counts as having struck. */
  take<G extends FaultGroup>(group: G, occasion: Occasion): FaultOf<G> | undefined {
    for (const armed of [...occasion.own, ...this.#armed]) {
      const { fault } = armed;
      if (!isOf(group, fault) || !armed.strikes(occasion)) continue;
      this.#armed = this.#armed.filter((one) => one.left > 0);
      return fault;
    }
    return undefined;
  }

  /**
   * The faults that a prompt asks for, written as `readMarkers` says.
   * @param stage what the prompt came with; absent where nothing will be acted out anyway.
   * @throws {invalid_input} where a marker is not a fault, or none that can be acted out there.
   */
  marked(prompt: string, stage: Stage | undefined): { now: ArmedFault[]; later: ArmedFault[] } {
    const now: ArmedFault[] = [];
    const later: ArmedFault[] = [];
    if (prompt.length > LONGEST_MARKED_PROMPT) return { now, later };
    for (const { text, fault, on } of readMarkers(prompt, stage)) {
      if (on !== undefined || isOf("media", fault)) later.push(new ArmedFault(fault));
      else now.push(fault.times === 0 ? new ArmedFault(fault) : this.#once(text + prompt, fault));
    }
    return { now, later };
  }

  #once(key: string, fault: Fault): ArmedFault {
    const known = this.#marked.get(key);
    if (known) return known;
    const armed = new ArmedFault(fault);
    const [oldest] = this.#marked.keys();
    if (this.#marked.size >= MOST_MARKED && oldest !== undefined) this.#marked.delete(oldest);
    this.#marked.set(key, armed);
    return armed;
  }
}
