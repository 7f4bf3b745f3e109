import { editDistance } from "../models/near-miss.ts";
import type { Findings } from "./findings.ts";
import { listed, shownName } from "./shown.ts";

/**
 * What hosts put beside a model's own arguments; it passes unread. Names that begin with `_` or
 * `x-` pass as well, unless the rest stands for an argument of the tool.
 */
export const INJECTED: ReadonlyMap<string, string> = new Map([
  ["wait_for_previous", "Gemini"],
  ["sessionId", "n8n"],
  ["action", "n8n"],
  ["chatInput", "n8n"],
  ["tool", "n8n"],
  ["toolCallId", "n8n"],
]);
const INJECTED_PREFIX = /^(?:_|x-)+/i;

/** More than any host adds or any model makes up. */
const MAX_UNKNOWN = 100;
/** Of all the operations that have an argument, as many are named. */
const MAX_ELSEWHERE = 3;
/** Longer names resemble nothing. */
const MAX_NAME = 60;

/** Other words for an argument, where nothing of its own name is in them. */
const OTHER_WORDS: Readonly<Record<string, readonly string[]>> = {
  num_images: [
    "n",
    "count",
    "amount",
    "number",
    "quantity",
    "batch_size",
    "samples",
    "num_outputs",
  ],
  num_inference_steps: ["iterations", "sampling_steps"],
  guidance_scale: ["cfg", "cfg_scale", "scale", "guidance"],
  image_size: ["aspect_ratio", "ratio", "resolution", "dimensions", "width", "height", "size"],
  size: ["image_size", "aspect_ratio", "ratio", "resolution", "dimensions", "width", "height"],
  output_format: ["file_type", "type", "extension", "mime_type"],
  prompt: ["text", "description", "instruction", "instructions", "input", "message", "task"],
  prompt_extend: ["enable_prompt_expansion", "prompt_expansion", "enhance_prompt"],
  enable_prompt_expansion: ["prompt_extend", "enhance_prompt"],
  enable_safety_checker: ["safety", "nsfw_filter", "moderation"],
  negative_prompt: ["negative", "exclude", "avoid"],
  image: ["image_url", "image_urls", "picture", "file", "path", "source", "input_image", "url"],
  image_url: ["image", "picture", "file", "path", "source", "input_image", "url"],
  image_urls: ["image", "images", "pictures", "files", "references", "reference_images", "urls"],
  image_data_url: ["dataset", "zip", "zip_url", "archive", "training_data", "data_url", "images"],
  steps: ["num_inference_steps", "num_steps", "training_steps", "max_steps", "iterations"],
  learning_rate: ["lr"],
  dry_run: [
    "dataset_check",
    "check",
    "check_only",
    "validate",
    "validate_only",
    "test_only",
    "preview_only",
    "estimate",
    "simulate",
  ],
  save_to: ["output", "output_path", "output_dir", "output_folder", "destination", "folder"],
  max_cost_usd: ["budget", "max_price", "price_limit", "limit_usd", "spending_limit"],
  idempotency_key: ["key", "request_key", "dedupe_key", "client_token"],
  force_new: ["new", "force", "again", "fresh", "no_cache"],
  wait_seconds: ["timeout", "timeout_seconds", "max_wait", "wait_ms"],
  webhook: ["callback", "callback_url", "notify_url"],
  thread_id: ["conversation_id", "conversation", "session_id"],
  files: ["attachments", "paths", "documents", "context"],
  max_tokens: ["tokens", "max_output_tokens", "max_completion_tokens", "max_new_tokens"],
  thinking: ["reasoning", "reason", "enable_thinking"],
  system: ["instructions", "system_message", "system_prompt"],
  limit: ["count", "n", "page_size", "max_results", "per_page", "top"],
  cursor: ["page", "offset", "after", "page_token", "next_cursor"],
  state: ["status"],
  operation: ["model", "tool_name", "type"],
  since: ["from", "start", "start_date", "after"],
  until: ["to", "end", "end_date", "before"],
  redownload: ["refetch", "download", "restore"],
};

/** Wishes that must not vanish in any form: money is spent otherwise. */
const GUARDS = [
  "dry_run",
  ...(OTHER_WORDS["dry_run"] ?? []),
  ...(OTHER_WORDS["max_cost_usd"] ?? []),
];

/** What many services have and this provider documents for none of its operations. */
const DOCUMENTED_NOWHERE = /^lora|loras?$|lora_(?:url|path|id|name|weights?|scale)s?$/;

/** Where else an argument is found. */
export interface Elsewhere {
  tool: string;
  names: readonly string[];
}

/**
 * Refuses what a tool has no argument for: it would vanish, and with it a limit, a guard or a wish
 * that money is spent for.
 */
export function checkNames(
  given: Readonly<Record<string, unknown>>,
  own: readonly string[],
  tool: string,
  elsewhere: readonly Elsewhere[],
  findings: Findings,
): void {
  const known = new Set(own);
  const names = Object.keys(given);
  if (names.length > known.size + MAX_UNKNOWN) {
    findings.add(`\`${tool}\` has not so many arguments; ${names.length} were given.`);
    return;
  }
  const unknown = names.filter((name) => !known.has(name));
  const before = findings.count;
  for (const name of unknown) {
    if (INJECTED.has(name)) continue;
    const rest = name.replace(INJECTED_PREFIX, "");
    const meant = meantName(rest, own);
    if (rest !== name && !isOurs(rest, own)) continue;
    findings.add(
      `${shownName(name)} is no argument of \`${tool}\`${advice(rest, meant, elsewhere)}`,
    );
  }
  if (findings.count > before) findings.add(`\`${tool}\` takes ${listed(own)}.`);
}

/** Whether what a host might have put there was meant for the tool nevertheless. */
function isOurs(name: string, own: readonly string[]): boolean {
  if (name.length > MAX_NAME) return false;
  return resembled(name, own) !== undefined || GUARDS.some((one) => normal(one) === normal(name));
}

function advice(name: string, meant: string | undefined, elsewhere: readonly Elsewhere[]): string {
  if (meant !== undefined) return `: did you mean \`${meant}\`?`;
  if (name.length > MAX_NAME) return ", and no operation has it.";
  if (DOCUMENTED_NOWHERE.test(normal(name))) {
    return "; the provider documents no way to choose a LoRA.";
  }
  for (const exact of [true, false]) {
    const having = elsewhere.flatMap(({ tool, names }) => {
      const found = exact ? names.find((one) => one === name) : resembled(name, names);
      return found === undefined ? [] : [{ tool, found }];
    });
    const first = having[0];
    if (!first) continue;
    const tools = having.filter(({ found }) => found === first.found).map(({ tool }) => tool);
    const what = exact ? "it" : `\`${first.found}\``;
    return `; ${listed(tools, MAX_ELSEWHERE)} ${tools.length === 1 ? "has" : "have"} ${what}.`;
  }
  return ", and no operation has it.";
}

/** The argument that a name surely or likely stands for. */
export function meantName(name: string, own: readonly string[]): string | undefined {
  if (name === "" || name.length > MAX_NAME) return undefined;
  const wanted = normal(name);
  const other = own.find((one) =>
    (Object.hasOwn(OTHER_WORDS, one) ? (OTHER_WORDS[one] ?? []) : []).some(
      (word) => normal(word) === wanted,
    ),
  );
  return resembled(name, own, true) ?? other ?? resembled(name, own);
}

/** The argument whose own name is like the given one. */
function resembled(name: string, own: readonly string[], isSure = false): string | undefined {
  if (name.length > MAX_NAME) return undefined;
  const wanted = words(name);
  if (wanted.length === 0) return undefined;
  const joined = wanted.join("");
  const same = own.find((one) => words(one).join("") === joined);
  if (same !== undefined || isSure) return same;
  return own
    .map((one) => ({ one, distance: distanceOf(wanted, words(one)) }))
    .filter(({ distance }) => distance < 1)
    .sort((a, b) => a.distance - b.distance)[0]?.one;
}

/** Words that a name can have more or fewer at its end without meaning another thing. */
const ENDINGS = new Set(
  "usd dollar second sec ms key id url uri check name value text path to number num count mode enabled flag param arg option".split(
    " ",
  ),
);
/** The same at its beginning. */
const BEGINNINGS = new Set("enable use is input user the my with do set".split(" "));

/** How far names are apart: 0 is the same, 1 and more is another. */
function distanceOf(a: readonly string[], b: readonly string[]): number {
  const [short, long] = a.length <= b.length ? [a, b] : [b, a];
  const isLong = short.length > 1;
  const startsAlike = short.every((word, position) => word === long[position]);
  if (startsAlike) {
    const extra = long.slice(short.length);
    if (extra.length <= 2 && (isLong || extra.every((word) => ENDINGS.has(word)))) {
      return 0.1 * extra.length;
    }
  }
  const extra = long.slice(0, long.length - short.length);
  const endsAlike = short.every((word, position) => word === long[extra.length + position]);
  if (endsAlike && extra.length === 1 && (isLong || extra.every((word) => BEGINNINGS.has(word)))) {
    return 0.5;
  }
  const [left, right] = [a.join("_"), b.join("_")];
  const longest = Math.max(left.length, right.length);
  const distance = editDistance(left, right);
  return longest >= 4 && distance <= Math.max(1, longest / 5) ? 0.3 + distance / longest : 1;
}

function normal(name: string): string {
  return words(name).join("_");
}

/** `maxCostUSD`, `max-cost-usd` and `Max_Costs_Usd` are the same words. */
function words(name: string): string[] {
  return name
    .replaceAll(/([a-z0-9])([A-Z])/g, "$1_$2")
    .toLowerCase()
    .split(/[^a-z0-9]+/)
    .filter((word) => word !== "")
    .map((word) => (word.length > 3 && !word.endsWith("ss") ? word.replace(/s$/, "") : word));
}
