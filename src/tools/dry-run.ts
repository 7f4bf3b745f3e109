import type { CallToolResult } from "@modelcontextprotocol/server";
import type { AppError } from "../core/errors.ts";
import { formatUsd, type PriceList } from "../core/money.ts";
import { runnable } from "../core/program.ts";
import { SERVICE_KEYS, type ServiceKey } from "../core/service-keys.ts";
import { message, oneLine, shortened, visibleJson } from "../core/text.ts";
import type { Rehearsal } from "../jobs/admission.ts";
import { leftUsd, ownCaps } from "../jobs/budget.ts";
import type { JobBody } from "../jobs/job.ts";
import type { AnyOperation } from "../models/operation.ts";
import { imagesAsked } from "../purchases/keeping.ts";
import { priceUsd } from "../purchases/prices.ts";
import type { Settings } from "../settings/settings.ts";
import { MAX_LISTED, textBlock } from "./result.ts";
import type { Whereabouts } from "./whereabouts.ts";

/** Of each text in a body, and of a body in all. */
const MAX_TEXT = 1_000;
const MAX_BODY = 12_000;

/** What differs between start tools in the answer to a dry run. */
export interface DryRunFacts {
  key: ServiceKey;
  /** What the call would cost, in one sentence. */
  cost(job: Pick<JobBody, "input">): string;
}

/** What the real call would do, nothing of which was done. */
export function dryRunResult(
  rehearsal: Rehearsal,
  facts: DryRunFacts,
  settings: Settings,
  say: Whereabouts["say"],
  isAsked = false,
): CallToolResult {
  const { earlier, job } = rehearsal;
  if (earlier) {
    const lines = [
      `Dry run: nothing would be bought. An identical call has started ${earlier.jobId} (${earlier.state}), and this one would bring that job.`,
      ...(job.idempotencyKey === null ? ["`force_new: true` would start another one."] : []),
    ];
    return { content: [textBlock(lines.join("\n"))] };
  }
  const { outline, refusal, limits } = rehearsal;
  const refusals = [...outline.refusals, ...(refusal ? [refusal] : [])];
  const lines = [
    ...verdict(refusals, settings, say),
    `Cost: ${facts.cost(job)}`,
    ...budgetLines(rehearsal),
    ...(limits.confirmAboveUsd === undefined
      ? []
      : [
          `Above ${formatUsd(limits.confirmAboveUsd)} ${isAsked ? "the user is asked" : "a start must be allowed by `max_cost_usd`"}.`,
        ]),
    `Sent to: POST ${oneLine(outline.url)}`,
    settings.sandbox
      ? "Key: the sandbox needs none."
      : `Key: ${SERVICE_KEYS[facts.key].env} is set.`,
    ...filesLines(outline.files),
    `Body: ${shortened(visibleJson(shownBody(outline.body), 0), MAX_BODY)}`,
    ...job.warnings.slice(0, MAX_LISTED).map(say).flatMap(noteLines),
    ...(settings.sandbox ? ["Note: SANDBOX, nothing is charged there."] : []),
    ...(refusals.length === 0 ? ["Next: make the same call without `dry_run`."] : []),
  ];
  return { content: [textBlock(lines.join("\n"))] };
}

/** A purchase's price, as it is estimated. */
export function purchaseCost(
  operation: AnyOperation,
  prices: PriceList,
): (job: Pick<JobBody, "input">) => string {
  return (job) => {
    const price = priceUsd(operation, prices);
    if (price === null) {
      return `unknown, because the price of ${operation.name} is not published; only the user can name it, with LONGCAT_MCP_PRICES.`;
    }
    const pictures = imagesAsked(job);
    const from =
      operation.name in prices
        ? "LONGCAT_MCP_PRICES"
        : `the printed price per ${operation.price.per}`;
    const sum = pictures === 1 ? "" : `${pictures} × ${formatUsd(price)}, `;
    return `at most about ${formatUsd(price * pictures)} (${sum}by ${from}).`;
  };
}

function verdict(
  refusals: readonly AppError[],
  { program }: Settings,
  say: Whereabouts["say"],
): string[] {
  const [first, ...others] = refusals.map(
    (error) =>
      `the real call would be refused: ${error.code}: ${message(say(error.message))}\n   Then: ${message(say(runnable(error.next, program)))}`,
  );
  return first === undefined
    ? ["Dry run: nothing was recorded, sent or charged. The real call would be sent as follows."]
    : [`Dry run: ${first}`, ...others.map((other) => `Also, ${other}`)];
}

function budgetLines({ limits, committed, job }: Rehearsal): string[] {
  const cost = job.reservedUsd ?? 0;
  const caps = committed ? ownCaps(committed, limits) : limits;
  return [
    { period: "today", cap: caps.perDayUsd, used: committed?.todayUsd ?? 0 },
    { period: "this month", cap: caps.perMonthUsd, used: committed?.thisMonthUsd ?? 0 },
  ].flatMap(({ period, cap, used }) => {
    const left = leftUsd(cap, used);
    if (cap === undefined || left === null) return [];
    const after = formatUsd(leftUsd(cap, used + cost) ?? 0);
    return [
      `Budget ${period}: ${formatUsd(left)} of ${formatUsd(cap)} left, ${after} after this call.`,
    ];
  });
}

function filesLines(files: readonly string[]): string[] {
  const more = files.length - MAX_LISTED;
  return [
    ...files.slice(0, MAX_LISTED).map((file) => `Read: ${message(file)}`),
    ...(more > 0 ? [`   and ${more} more files`] : []),
  ];
}

/** A report on a training set has several lines of its own. */
function noteLines(note: string): string[] {
  return note.split("\n").map((line, at) => `${at === 0 ? "Note: " : "   "}${message(line)}`);
}

function shownBody(value: unknown): unknown {
  if (typeof value === "string") {
    return value.length > MAX_TEXT
      ? `${shortened(value, MAX_TEXT)} (${value.length} characters)`
      : value;
  }
  if (Array.isArray(value)) return value.map(shownBody);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, one]) => [name, shownBody(one)]));
}
