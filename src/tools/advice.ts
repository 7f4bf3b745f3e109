import { CHAT_OPERATION } from "../chat/chat-operation.ts";
import type { ErrorCode } from "../core/errors.ts";
import { SERVICE_KEYS } from "../core/service-keys.ts";
import { isLeftThere, type Job, type WholeJob } from "../jobs/job.ts";
import { operationNamed } from "../models/catalogue.ts";

/** What an ended job without a result means for the user's money, and how to try again. */
export interface Aftermath {
  /** Whether it was or may have been charged; "" in the sandbox. */
  money: string;
  /** What to do next, with the very arguments to give. */
  next: string;
}

/** The key that a job was sent with. */
interface UsedKey {
  variable: string;
  provider: string;
  look: string;
}

const IMAGE_KEY: UsedKey = {
  variable: SERVICE_KEYS.apiKey.env,
  provider: "Pixazo",
  look: "`longcat-mcp doctor` shows whether one is set",
};
const CHAT_KEY: UsedKey = {
  variable: SERVICE_KEYS.chatApiKey.env,
  provider: "LongCat",
  look: "`longcat-mcp doctor --online` asks whether it is valid",
};

/** What has to happen before another try makes sense; "" where nothing has to. */
const FIRST: Readonly<Record<ErrorCode, string | ((key: UsedKey) => string)>> = {
  invalid_input: "correct the arguments",
  configuration: "ask the user to change the setting named above and to restart the server",
  unauthorized: ({ variable, provider, look }) =>
    `ask the user to check the key in ${variable} for ${provider} (${look})`,
  forbidden: ({ variable, provider }) =>
    `ask the user to check the subscription of the key in ${variable} at ${provider}`,
  insufficient_credit: ({ variable, provider }) =>
    `ask the user to top up the account of the key in ${variable} at ${provider}`,
  over_budget: "ask the user",
  rate_limited: "wait a few minutes",
  content_rejected: "reword the prompt or use another picture",
  upstream_rejected: "change what the provider's words above complain of",
  upstream_unavailable: "wait a few minutes",
  bad_upstream_reply: "",
  outcome_unknown: "",
  timeout: "",
  cancelled: "",
  not_found: "",
  media_expired: "",
  storage: "ask the user to free space or to repair the folder named above",
  internal: "tell the user; the log on stderr has the details of this defect",
};

/** Failures after which the same arguments would fail again. */
const NEEDS_CHANGE: readonly ErrorCode[] = [
  "invalid_input",
  "content_rejected",
  "upstream_rejected",
];

/** What can be wrong where there is no provider; all else the sandbox only imitates. */
const OUR_SIDE: readonly ErrorCode[] = [...NEEDS_CHANGE, "configuration", "storage", "internal"];

/** After a purchase that brought no result. */
export function afterPurchase(job: Job, sandbox: boolean): Aftermath {
  const retry = retryOf(job, sandbox);
  const money = sandbox ? "" : moneyOf(job);
  if (isLeftThere(job)) return { money, next: afterLeaving(job, retry, sandbox) };
  if (sandbox) return { money, next: sentence(retry) };
  if (job.state === "unknown" && job.charge === "uncertain") {
    return { money, next: `${lookThere(job)} To buy it anyway, ${retry}. ${settle(job)}` };
  }
  if (job.charge === "uncertain") {
    const next = `Ask the user before another try, since both may be charged; then ${retry}.`;
    return {
      money,
      next: `${next} The provider's console may show what this one cost; ${settle(job)}`,
    };
  }
  if (job.state === "unknown" && job.charge === "spent") {
    const next = `Ask the user before another try, since it is charged again; then ${retry}.`;
    return { money, next: `${fetchPaid(job)}${next}` };
  }
  const isPaid = job.charge === "spent" || isForeign(job);
  const next = isPaid
    ? `Ask the user before another try, since it is charged again; then ${retry}.`
    : sentence(retry);
  return { money, next };
}

/** After a turn of the delegate's that brought no answer. */
export function afterTurn(job: WholeJob, sandbox: boolean): Aftermath {
  const isOpen = job.state === "unknown" && job.charge === "uncertain";
  const retry = sentence(retryOf(job, sandbox));
  const thread = `${job.threadId ?? "its thread"} goes on without it`;
  const files = job.input["files"] ? ", and keeps its files" : "";
  const money = isOpen && !sandbox ? "It may have been answered, and counted, there; it" : "It";
  return {
    money: isOpen
      ? `${money} is never sent again by itself.`
      : `No answer came; ${thread}${files}.`,
    next: isOpen ? `If the answer is still wanted: ${retry}` : retry,
  };
}

/** After a purchase whose files are there at the provider: nothing has to be bought again for them. */
function afterLeaving(job: Job, retry: string, sandbox: boolean): string {
  const code = job.error?.code ?? "internal";
  const first = OUR_SIDE.includes(code) ? firstOf(job, code) : "";
  const fetch = `call \`job_status\` with job_id "${job.jobId}" and \`redownload: true\`: that fetches its files, and buys nothing`;
  const again = sandbox
    ? `If that fails as well, ${retry}.`
    : `If that fails as well, ask the user before another try, since it is charged again; then ${retry}.`;
  return `${sentence(first === "" ? fetch : `${first}, then ${fetch}`)} ${again}`;
}

/** How to start it again, in words that can follow others. */
function retryOf(job: Job, sandbox: boolean): string {
  const code = job.error?.code ?? "internal";
  const isSame = !needsChange(job);
  const isTold = (!sandbox || OUR_SIDE.includes(code)) && !(isSame && code === "upstream_rejected");
  const first = isTold ? firstOf(job, code) : "";
  const hasKey = job.idempotencyKey !== null;
  const given = [
    ...(isSame ? [sameArguments(job)] : []),
    ...(hasKey ? ["another `idempotency_key`"] : []),
    ...(!hasKey && isSame && job.charge !== "none" ? ["`force_new: true`"] : []),
  ];
  const how = given.length === 0 ? "" : ` with ${given.join(" and ")}`;
  const call = `call \`${job.operation}\` again${how}`;
  return first === "" ? call : `${first}, then ${call}`;
}

function firstOf({ operation }: Job, code: ErrorCode): string {
  const first = FIRST[code];
  if (typeof first === "string") return first;
  return first(operation === CHAT_OPERATION ? CHAT_KEY : IMAGE_KEY);
}

/** Whether the same arguments would fail again: what was accepted has them in order. */
function needsChange({ error, requestId }: Job): boolean {
  if (error?.code === "upstream_rejected") return requestId === null;
  return error?.code === "invalid_input" || error?.code === "content_rejected";
}

function sameArguments({ threadId }: Job): string {
  return threadId === null ? "the same arguments" : `the same prompt, \`thread_id: "${threadId}"\``;
}

/** Started elsewhere and only looked after here, so that its charge is not known here. */
function isForeign(job: Job): boolean {
  return job.fingerprint === null;
}

function moneyOf(job: Job): string {
  if (isForeign(job) && job.state === "failed") {
    return "It may have been charged; what was started elsewhere is not counted here.";
  }
  switch (job.charge) {
    case "none":
      return "Nothing was charged.";
    case "spent":
      return "The provider has charged for it.";
    default:
      return job.state === "failed"
        ? "It may have been charged: what a failed job costs is not documented, so it counts as if it had been charged."
        : "It may have been charged; it is never sent again by itself, and its price stays reserved.";
  }
}

/** What was paid for may be there to be fetched. */
function fetchPaid(job: Job): string {
  return isQueued(job)
    ? `Where the provider's console shows its request, \`job_status\` with job_id "${job.jobId}" and its request_id fetches what was paid for. `
    : "";
}

/** The others have no status that could be asked for. */
function isQueued({ operation }: Job): boolean {
  return operationNamed(operation)?.kind === "queued";
}

function lookThere(job: Job): string {
  const ask = "Ask the user to look into the provider's console.";
  return isQueued(job)
    ? `${ask} If it shows the request, call \`job_status\` with job_id "${job.jobId}" and its request_id.`
    : ask;
}

function settle(job: Job): string {
  return `\`longcat-mcp jobs settle ${job.jobId} charged\` (or not-charged) settles its price.`;
}

function sentence(words: string): string {
  return `${words.charAt(0).toUpperCase()}${words.slice(1)}.`;
}
