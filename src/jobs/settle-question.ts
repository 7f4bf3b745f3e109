import { formatUsd } from "../core/money.ts";
import type { Asking, Question } from "../core/question.ts";
import { oneLine } from "../core/text.ts";
import type { WholeJob } from "./job.ts";
import type { Verdict } from "./settlement.ts";

const MAX_PROMPT = 200;
const KEY = "settle ";

/** What a person can say of an uncertain charge, and what it settles. */
const CHOICES: ReadonlyMap<string, Verdict | undefined> = new Map([
  ["charged", "spent"],
  ["not charged", "none"],
  ["decide later", undefined],
]);

/**
 * The question what a job has cost of which nobody knows it. Nothing is preset: an accept without a
 * choice settles nothing.
 * @param provider whose console shows it
 */
export function settleQuestion(job: WholeJob, provider: string): Question {
  const { jobId, operation, requestId, reservedUsd, createdAt, state, input } = job;
  const price =
    reservedUsd === null ? "at an unknown price" : `for about ${formatUsd(reservedUsd)}`;
  const started = new Date(createdAt).toISOString().slice(0, 16).replace("T", " ");
  const { prompt } = input;
  return {
    key: KEY + jobId,
    text: [
      `Was ${operation} charged, ${price}?`,
      `${jobId}, started ${started} UTC${requestId === null ? "" : `, request ${oneLine(requestId)}`}.`,
      ...(typeof prompt === "string" ? [`It asks for: “${oneLine(prompt, MAX_PROMPT)}”`] : []),
      state === "unknown"
        ? `Nobody knows whether ${provider} has taken it.`
        : `It has failed, and whether ${provider} charges for that is not known.`,
      `Look into ${provider}'s console, then choose. “decide later” changes nothing: it counts as spent until you have said.`,
    ].join("\n"),
    isAboutMoney: true,
    isOffer: true,
    choice: { title: "Was it charged?", values: [...CHOICES.keys()] },
  };
}

/** The job that somebody is asked about, or was, within a call. */
export function jobInQuestion({ agreed, passed, awaited = "" }: Asking): string | undefined {
  const key = [...agreed.keys(), ...passed.keys(), awaited].find((one) => one.startsWith(KEY));
  return key?.slice(KEY.length);
}

/** What a choice settles; nothing for one that is put off. */
export function verdictOf(chosen: string): Verdict | undefined {
  return CHOICES.get(chosen);
}
