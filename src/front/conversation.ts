import { type Fields, isFields } from "../core/json-fields.ts";
import { answerTo, type Prepared, type Template } from "./prepared.ts";
import {
  hasEnvelope,
  hasOnly,
  isCapabilities,
  isClientInfo,
  isEnvelope,
  isFilter,
  isId,
  isPlainMeta,
  listsTasks,
} from "./shapes.ts";

/** What becomes of a message: it is answered, noted, or the program's. */
export type Outcome =
  | { kind: "answered"; text: string }
  | { kind: "noted" }
  /** Not for the front; later messages may still be answered before it. */
  | { kind: "waits" }
  /** Not for the front, and nothing that comes after it is. */
  | { kind: "hand-over" };

const NOTED: Outcome = { kind: "noted" };
const WAITS: Outcome = { kind: "waits" };
const HAND_OVER: Outcome = { kind: "hand-over" };

/** A message that the front has answered, as the program must hear of it. */
export interface Heard {
  text: string;
  /** The id of a subscription, which lives on; other requests are over. */
  subscription?: string | number;
}

/** More than one host opens; each costs a little to hand over. */
const MAX_SUBSCRIPTIONS = 16;

/**
 * What is said before anything happens: greetings, and lists that are the same for everybody.
 * It answers only what it is sure of: whatever is written in another way, is of another revision or
 * could change what comes after is the program's, which then hears all that was said before.
 */
export class Conversation {
  readonly #prepared: Prepared;
  /** The revision that a greeting of the 2025 era has settled. */
  #legacy: string | undefined;
  #isModern = false;
  readonly #waiting = new Set<string | number>();
  readonly #heard: Heard[] = [];
  readonly #subscriptions = new Set<string | number>();
  #hasListed = false;

  constructor(prepared: Prepared) {
    this.#prepared = prepared;
  }

  /** What the program must hear, in order, for all to be as if it had answered itself. */
  get heard(): readonly Heard[] {
    return this.#heard;
  }

  /** Whether the tools have been listed, which is what a host waits for. */
  get hasListed(): boolean {
    return this.#hasListed;
  }

  /** @param text a line, without its end */
  take(text: string): Outcome {
    const message = messageIn(text);
    if (message === undefined) return HAND_OVER;
    const { method, params, id } = message;
    if (typeof method !== "string") return HAND_OVER;
    if (!("id" in message)) return this.#note(text, method, params);
    if (!isId(id)) return HAND_OVER;
    // Where an id is in use, its second request could be taken for the first.
    if (this.#subscriptions.has(id) || this.#waiting.has(id)) return HAND_OVER;
    if (method === "initialize") return this.#greet(text, id, params);
    if (hasEnvelope(params)) return this.#modern(text, id, method, params);
    if (this.#legacy === undefined) return HAND_OVER;
    return isPlain(params) ? this.#answer(id, method, this.#legacy) : this.#wait(id);
  }

  /** The last words to the subscriptions that are still open. */
  end(): string[] {
    return [...this.#subscriptions].map((id) => answerTo(this.#prepared.ended, id));
  }

  #note(text: string, method: string, params: unknown): Outcome {
    const isExpected = this.#legacy !== undefined && method === "notifications/initialized";
    if (!isExpected || !isPlain(params) || this.#heard.length > 1) return HAND_OVER;
    this.#heard.push({ text });
    return NOTED;
  }

  #greet(text: string, id: string | number, params: unknown): Outcome {
    const isFirst = this.#heard.length + this.#waiting.size === 0 && !this.#isModern;
    const isSure = hasOnly(params, {
      protocolVersion: (value) => typeof value === "string",
      capabilities: isCapabilities,
      clientInfo: isClientInfo,
      _meta: isPlainMeta,
    });
    if (!isFirst || !isSure || !("capabilities" in params && "clientInfo" in params)) {
      return HAND_OVER;
    }
    const revision = String(params["protocolVersion"]);
    const outcome = this.#answer(id, "initialize", revision);
    if (outcome.kind !== "answered") return HAND_OVER;
    this.#legacy = revision;
    this.#heard.push({ text });
    return outcome;
  }

  #modern(text: string, id: string | number, method: string, params: unknown): Outcome {
    const { modern, discoveredWithTasks } = this.#prepared;
    if (this.#legacy !== undefined || !isFields(params)) return HAND_OVER;
    const { _meta, ...others } = params;
    // A page that no list has is refused before it could settle anything.
    if (!isEnvelope(_meta, modern) || "cursor" in others) return HAND_OVER;
    if (method === "subscriptions/listen") return this.#listen(text, id, others);
    const isGreeting = method === "server/discover";
    const isBare = Object.keys(others).length === 0;
    const outcome = !isBare
      ? this.#wait(id)
      : isGreeting && isFields(_meta) && listsTasks(_meta)
        ? this.#answerBy(discoveredWithTasks, id)
        : this.#answer(id, method, modern);
    // The first of either kind settles something; the others change nothing. One that waits is
    // handed over as it is.
    const settles = !this.#isModern && (!isGreeting || this.#heard.length === 0);
    if (settles && outcome.kind === "answered") this.#heard.push({ text });
    this.#isModern ||= !isGreeting;
    return outcome;
  }

  #listen(text: string, id: string | number, params: Fields): Outcome {
    const { notifications, ...others } = params;
    const isSure = isFilter(notifications) && Object.keys(others).length === 0;
    if (!isSure || !isFields(notifications)) return HAND_OVER;
    if (this.#subscriptions.size === MAX_SUBSCRIPTIONS) return HAND_OVER;
    this.#isModern = true;
    this.#subscriptions.add(id);
    this.#heard.push({ text, subscription: id });
    const promised = this.#prepared.announced.filter((name) => notifications[name] === true);
    const news = JSON.stringify(Object.fromEntries(promised.map((name) => [name, true])));
    const [before = "", between = "", after = ""] = this.#prepared.acknowledged;
    return { kind: "answered", text: before + news + between + JSON.stringify(id) + after };
  }

  #answer(id: string | number, method: string, revision: string): Outcome {
    const { places, answers } = this.#prepared;
    const ofRevision = Object.hasOwn(places, revision) ? places[revision] : undefined;
    const place = ofRevision && Object.hasOwn(ofRevision, method) ? ofRevision[method] : undefined;
    const template = place === undefined ? undefined : answers[place];
    if (template === undefined) return this.#wait(id);
    if (method === "tools/list") this.#hasListed = true;
    return this.#answerBy(template, id);
  }

  #answerBy(template: Template, id: string | number): Outcome {
    return { kind: "answered", text: answerTo(template, id) };
  }

  #wait(id: string | number): Outcome {
    this.#waiting.add(id);
    return WAITS;
  }
}

const isAnything = () => true;
const MEMBERS = { jsonrpc: isAnything, id: isAnything, method: isAnything, params: isAnything };

function isPlain(params: unknown): boolean {
  return params === undefined || hasOnly(params, { _meta: isPlainMeta });
}

function messageIn(text: string): Fields | undefined {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (!hasOnly(parsed, MEMBERS)) return undefined;
  return parsed["jsonrpc"] === "2.0" ? parsed : undefined;
}
