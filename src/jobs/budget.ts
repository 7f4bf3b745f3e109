import { AppError } from "../core/errors.ts";
import { type Caps, exactUsd, formatUsd, type Limits } from "../core/money.ts";
import type { Job } from "./job.ts";

/** Money that has left or may leave, in US dollars, since the start of the UTC day and month. */
export interface Committed {
  todayUsd: number;
  thisMonthUsd: number;
}

/** What an owner's jobs have cost or may cost by now, and where others use the server, what theirs do. */
export interface Standing extends Committed {
  /** Absent where there are no users: then the limits are of the one who is there. */
  shared?: {
    /** Of all owners; it is told to none of them. */
    all: Committed;
    /** The owner's own. */
    caps: Caps;
  };
}

/** What a start would cost, and what its call allows. */
export interface Wanted {
  operation: string;
  /** US dollars; `null` where no price is known. */
  estimateUsd: number | null;
  /** The most that the call allows, in US dollars. */
  maxCostUsd?: number | undefined;
}

/** Why limits forbid to record a job, if they do: of one that costs nothing they say nothing. */
export function moneyRefusal(
  { operation, charge, reservedUsd }: Pick<Job, "operation" | "charge" | "reservedUsd">,
  { limits, maxCostUsd }: { limits: Limits; maxCostUsd?: number | undefined },
  standing: Standing,
): AppError | undefined {
  if (charge === "none") return undefined;
  const wanted = { operation, estimateUsd: reservedUsd, maxCostUsd };
  return refusalFor(wanted, objectionsTo(wanted, standing, limits));
}

/** What a limit has against a start. `confirm` is gone as soon as the user agrees. */
export interface Objection {
  kind: "unpriced" | "call" | "confirm" | "cap";
  /** Part of a sentence. */
  words: string;
}

const DAY_CAP = "LONGCAT_MCP_BUDGET_USD_PER_DAY";
const MONTH_CAP = "LONGCAT_MCP_BUDGET_USD_PER_MONTH";

interface Cap {
  name: string;
  cap: number;
  used: number;
  /** Of all together: what others have spent is nobody's business. */
  isSecret: boolean;
}

/** Everything that stands against a start, so that one answer can say all of it. */
export function objectionsTo(wanted: Wanted, standing: Standing, limits: Limits): Objection[] {
  const { operation, estimateUsd, maxCostUsd } = wanted;
  const caps = capsOn(standing, limits);
  if (estimateUsd === null) {
    const names = [
      ...(maxCostUsd === undefined ? [] : ["`max_cost_usd`"]),
      ...caps.map(({ name }) => name),
    ];
    if (names.length === 0) return [];
    const words = `The price of ${operation} is not published, so ${names.join(" and ")} cannot be kept`;
    return [{ kind: "unpriced", words }];
  }
  const found: Objection[] = [];
  const { confirmAboveUsd } = limits;
  if (maxCostUsd !== undefined && estimateUsd > maxCostUsd) {
    const words = `, more than \`max_cost_usd\` allows (${formatUsd(maxCostUsd)})`;
    found.push({ kind: "call", words });
  }
  if (maxCostUsd === undefined && confirmAboveUsd !== undefined && estimateUsd > confirmAboveUsd) {
    const words = `; above ${formatUsd(confirmAboveUsd)} a start must be confirmed`;
    found.push({ kind: "confirm", words });
  }
  for (const { name, cap, used, isSecret } of caps) {
    if (exactUsd(used + estimateUsd) <= cap) continue;
    const words = isSecret
      ? `, and too little is left of ${name}, which is for all users together`
      : `, and ${formatUsd(exactUsd(used))} of the ${formatUsd(cap)} of ${name} are spent or reserved`;
    found.push({ kind: "cap", words });
  }
  return found;
}

/** The caps that hold for an owner: those of all together, and the owner's own. */
function capsOn({ todayUsd, thisMonthUsd, shared }: Standing, limits: Limits): Cap[] {
  const own = { todayUsd, thisMonthUsd };
  const of = (caps: Caps, used: Committed, [day, month]: [string, string], isSecret: boolean) =>
    [
      { name: day, cap: caps.perDayUsd, used: used.todayUsd },
      { name: month, cap: caps.perMonthUsd, used: used.thisMonthUsd },
    ].flatMap(({ name, cap, used }) => (cap === undefined ? [] : [{ name, cap, used, isSecret }]));
  if (!shared) return of(limits, own, [DAY_CAP, MONTH_CAP], false);
  return [
    ...of(shared.caps, own, ["this user's budget a day", "this user's budget a month"], false),
    ...of(limits, shared.all, [DAY_CAP, MONTH_CAP], true),
  ];
}

/** The caps of which an owner is told how much is left. */
export function ownCaps({ shared }: Standing, limits: Limits): Caps {
  return shared ? shared.caps : limits;
}

/** Objections as one error; `undefined` where there are none. */
export function refusalFor(wanted: Wanted, objections: readonly Objection[]): AppError | undefined {
  if (objections.length === 0) return undefined;
  const { estimateUsd } = wanted;
  const cost = estimateUsd === null ? "" : `It would cost about ${formatUsd(estimateUsd)}`;
  const words = objections.map((one) => one.words).join("");
  return new AppError("over_budget", `${cost}${words}.`, { next: adviceOn(wanted, objections) });
}

/** What can be done about all of them in one more call. */
function adviceOn(wanted: Wanted, objections: readonly Objection[]): string {
  const { operation, estimateUsd, maxCostUsd } = wanted;
  const has = (kind: Objection["kind"]) => objections.some((one) => one.kind === kind);
  if (has("unpriced")) {
    const without =
      maxCostUsd === undefined ? "" : " Without `max_cost_usd` only if they agree to any price.";
    return `Only the user can say what it costs: ask them to set LONGCAT_MCP_PRICES, such as {"${operation}": 0.05}, and to restart the server.${without} \`image_models\` shows which prices are known. Nothing was sent.`;
  }
  const allowing = `\`max_cost_usd: ${estimateUsd}\``;
  if (has("cap")) {
    const confirmed = has("call") || has("confirm") ? ` If they agree, call with ${allowing}.` : "";
    return `Ask the user what to do, whose limit it is; \`spending\` shows where the money went, and the period ends with the UTC day or month.${confirmed} Nothing was sent.`;
  }
  return has("confirm")
    ? `Ask the user. If they agree, call again with ${allowing}; nothing was sent.`
    : `Ask the user whether it may cost that much (${allowing}), or ask for fewer pictures or another model; nothing was sent.`;
}

/** What a job counts as in `spending`, under its charge; `null` where no price is known. */
export function countedUsd(job: Pick<Job, "charge" | "costUsd" | "reservedUsd">): number | null {
  if (job.charge === "none") return 0;
  return job.charge === "spent" ? (job.costUsd ?? job.reservedUsd) : job.reservedUsd;
}

/** What is left of a cap; never below zero. */
export function leftUsd(cap: number | undefined, used: number): number | null {
  return cap === undefined ? null : Math.max(0, exactUsd(cap - used));
}

/** Start of the UTC day and month, in milliseconds since the epoch. */
export function periodStarts(now: number): { day: number; month: number } {
  const date = new Date(now);
  const [year, month] = [date.getUTCFullYear(), date.getUTCMonth()];
  return { day: Date.UTC(year, month, date.getUTCDate()), month: Date.UTC(year, month, 1) };
}
