import { AppError } from "../../core/errors.ts";
import { isRecord } from "../contract/rules.ts";
import { type Fault, faultSchema, MEDIA_FAULTS } from "./schema.ts";

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

  /** The first fault of these kinds that matches; it counts as having struck. */
  take<K extends Fault["kind"]>(
    kinds: readonly K[],
    occasion: Occasion,
  ): Extract<Fault, { kind: K }> | undefined {
    const isOneOf = (fault: Fault): fault is Extract<Fault, { kind: K }> =>
      kinds.some((kind) => kind === fault.kind);
    for (const armed of [...occasion.own, ...this.#armed]) {
      const { fault } = armed;
      if (!isOneOf(fault) || !armed.strikes(occasion)) continue;
      this.#armed = this.#armed.filter((one) => one.left > 0);
      return fault;
    }
    return undefined;
  }

  /**
   * The faults a prompt asks for, so that a person can try them without another connection:
   * `[[fault:job-failed]]`, `[[fault:status=502]]`, with options behind semicolons:
   *
   * - `times=2`: strikes the first two requests with this very prompt; always, unless told.
   * - `on=poll` or `on=media`: strikes the status or the file requests of the job instead.
   * - `retry-after=3` and `body=…` for `status`, `type=image/svg+xml` for `media-body`.
   *
   * The value behind `=` is the code of `status` and `media-status`, the milliseconds of `slow`,
   * the events before `stream-cut`, `stream-stall` and `stream-error`,
   * the message of `job-failed` and `job-error`, the word of `unknown-status`, the address of
   * `redirect`, the addresses of `media-url` (split by commas), the content of `media-body`.
   *
   * @throws {invalid_input} where a marker is not a fault.
   */
  marked(prompt: string): { now: ArmedFault[]; later: ArmedFault[] } {
    const now: ArmedFault[] = [];
    const later: ArmedFault[] = [];
    if (prompt.length > LONGEST_MARKED_PROMPT) return { now, later };
    for (const [marker, text = ""] of prompt.matchAll(/\[\[fault:([^\]]{1,500})\]\]/g)) {
      const { fault, on } = readMarker(text);
      if (on !== undefined || MEDIA_FAULTS.some((kind) => kind === fault.kind))
        later.push(new ArmedFault(fault));
      else now.push(fault.times === 0 ? new ArmedFault(fault) : this.#once(marker + prompt, fault));
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

const PATH_OF = { poll: "/v2/requests/status/", media: "/output" } as const;

function readMarker(text: string): { fault: Fault; on: string | undefined } {
  const [head = "", ...rest] = text.split(";");
  const [kind = "", value] = splitOnce(head);
  const options = Object.fromEntries(rest.map(splitOnce));
  const { on } = options;
  const path = on === "poll" || on === "media" ? PATH_OF[on] : undefined;
  const parsed = faultSchema.safeParse({
    kind,
    times: Number(options.times ?? 0),
    ...(path && { match: { path } }),
    ...valuesOf(kind, value, options),
  });
  if (!parsed.success || (on !== undefined && path === undefined))
    throw new AppError("invalid_input", `"[[fault:${text}]]" in the prompt is not a fault.`);
  return { fault: parsed.data, on };
}

function valuesOf(
  kind: string,
  value: string | undefined,
  options: Record<string, string | undefined>,
) {
  switch (kind) {
    case "status": {
      const retryAfter = options["retry-after"];
      return {
        status: Number(value),
        body: options.body,
        ...(retryAfter !== undefined && { headers: { "Retry-After": retryAfter } }),
      };
    }
    case "media-status":
      return { status: Number(value) };
    case "unknown-status":
      return { status: value };
    case "job-failed":
    case "job-error":
      return { message: value };
    case "slow":
      return { ms: Number(value) };
    case "stream-cut":
    case "stream-stall":
    case "stream-error":
      return { after: value === undefined ? undefined : Number(value) };
    case "redirect":
      return { location: value };
    case "media-url":
      return { urls: value?.split(",") };
    case "media-body":
      return { body: value ?? "<!doctype html><p>Not a picture.</p>", contentType: options.type };
    default:
      return {};
  }
}

function splitOnce(text: string): [string, string | undefined] {
  const at = text.indexOf("=");
  return at < 0 ? [text.trim(), undefined] : [text.slice(0, at).trim(), text.slice(at + 1)];
}

const PROMPT_FIELDS = ["prompt", "text", "content", "default_caption", "system"];
const ADDRESS_FIELDS = ["image_url", "image_data_url"];

/**
 * All that a request body says in words, whatever the operation; and the addresses of operations
 * without a prompt, where a marker may stand percent-encoded.
 */
export function promptIn(body: unknown): string {
  const found: string[] = [];
  const visit = (value: unknown, field: string): void => {
    if (typeof value === "string") {
      if (PROMPT_FIELDS.includes(field)) found.push(value);
      else if (ADDRESS_FIELDS.includes(field)) found.push(decoded(value));
    } else if (Array.isArray(value)) {
      for (const item of value) visit(item, field);
    } else if (isRecord(value)) {
      for (const [key, item] of Object.entries(value)) visit(item, key);
    }
  };
  visit(body, "");
  return found.join("\n");
}

function decoded(address: string): string {
  if (address.startsWith("data:")) return "";
  try {
    return decodeURIComponent(address);
  } catch {
    return address;
  }
}
