import { exactUsd, formatUsd, type Limits } from "../core/money.ts";
import type { Question } from "../core/question.ts";
import { oneLine } from "../core/text.ts";
import type { Job } from "./job.ts";
import type { Standing } from "./standing.ts";

const MAX_PROMPT = 200;

/** What a purchase is known by that somebody is asked about. */
export type AskedPurchase = Pick<Job, "operation" | "reservedUsd"> & {
  fingerprint?: string | null;
  input?: Readonly<Record<string, unknown>>;
};

/** What an accept is for: this purchase to its last byte, at this price. */
export function purchaseKey({ operation, fingerprint, reservedUsd }: AskedPurchase): string {
  return `buy ${operation} ${fingerprint ?? ""} ${reservedUsd ?? "unpriced"}`;
}

/**
 * The question before a purchase: what, how much, and how the day stands, in one look.
 * @param why what makes it one that has to be asked for, a sentence
 */
export function purchaseQuestion(
  job: AskedPurchase,
  standing: Standing,
  limits: Limits,
  why: string,
): Question {
  const { operation, reservedUsd, input = {} } = job;
  const count = typeof input["num_images"] === "number" ? input["num_images"] : 1;
  const what = count === 1 ? operation : `${operation}, ${count} pictures,`;
  const price =
    reservedUsd === null ? "at an unknown price" : `for about ${formatUsd(reservedUsd)}`;
  const { prompt } = input;
  return {
    key: purchaseKey(job),
    text: [
      `Buy ${what} ${price}?`,
      sums(standing, limits),
      why,
      ...(typeof prompt === "string" ? [`It asks for: “${oneLine(prompt, MAX_PROMPT)}”`] : []),
    ].join("\n"),
    isAboutMoney: true,
  };
}

/** What is spent or reserved; of limits only those that are the person's own. */
function sums({ todayUsd, thisMonthUsd, shared }: Standing, limits: Limits): string {
  const caps = shared ? shared.caps : limits;
  const today =
    caps.perDayUsd === undefined
      ? `${formatUsd(exactUsd(todayUsd))}, without a daily limit`
      : `${formatUsd(exactUsd(todayUsd))} of ${formatUsd(caps.perDayUsd)}`;
  const month =
    caps.perMonthUsd === undefined
      ? ""
      : `; this month: ${formatUsd(exactUsd(thisMonthUsd))} of ${formatUsd(caps.perMonthUsd)}`;
  return `Spent or reserved today (UTC): ${today}${month}.`;
}
