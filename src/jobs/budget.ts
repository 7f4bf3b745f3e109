import { AppError } from "../core/errors.ts";
import { type Caps, exactUsd, formatUsd, type Limits } from "../core/money.ts";
import type { Asking, Question } from "../core/question.ts";
import type { Job } from "./job.ts";
import { type AskedPurchase, purchaseKey, purchaseQuestion } from "./purchase-question.ts";
import type { Committed, Standing } from "./standing.ts";

/** What a start would cost, and what its call allows. */
export interface Wanted {
  operation: string;
  /** US dollars; `null` where no price is known. */
  estimateUsd: number | null;
  /** The most that the call allows, in US dollars. */
  maxCostUsd?: number | undefined;
  /** The user's own word, where the client lets them be asked: `max_cost_usd` stands for none. */
  consent?: Consent | undefined;
}

/** What the user has said to this very purchase at this price. */
export interface Consent {
  isGiven: boolean;
  /** It was turned down a moment ago, perhaps with other limits. */
  insists: boolean;
}

/** What a start keeps within. */
export interface MoneyRules {
  limits: Limits;
  maxCostUsd?: number | undefined;
  asking?: Asking | undefined;
}

/**
 * Why limits forbid to record a job, if they do: of one that costs nothing they say nothing. Where
 * the user's word would do, the refusal has the question to ask.
 */
export function moneyRefusal(
  job: Pick<Job, "charge"> & AskedPurchase,
  { limits, maxCostUsd, asking }: MoneyRules,
  standing: Standing,
): AppError | undefined {
  const { operation, charge, reservedUsd } = job;
  if (charge === "none") return undefined;
  const consent = asking && {
    isGiven: asking.agreed.has(purchaseKey(job)),
    insists: asking.insists,
  };
  const wanted = { operation, estimateUsd: reservedUsd, maxCostUsd, consent };
  const objections = objectionsTo(wanted, standing, limits);
  const why = asking && whyAsked(objections, limits);
  const question = why === undefined ? undefined : purchaseQuestion(job, standing, limits, why);
  return refusalFor(wanted, objections, question);
}

/** Why the user is asked, where their word settles all there is against a start. */
function whyAsked(
  objections: readonly Objection[],
  { confirmAboveUsd }: Limits,
): string | undefined {
  const [first, ...others] = objections;
  if (first?.kind === "confirm" && others.length === 0) {
    return first.isRepeated || confirmAboveUsd === undefined
      ? "You have said no to it a moment ago."
      : `You are asked above ${formatUsd(confirmAboveUsd)}.`;
  }
  return first?.isOwn ? "Its price is not published, so that no limit can be kept." : undefined;
}

/** What a limit has against a start. `confirm` is gone as soon as the user agrees. */
export interface Objection {
  kind: "unpriced" | "call" | "confirm" | "cap";
  /** The user's own limit, which their word can lift. */
  isOwn?: boolean;
  /** The user is asked again, whatever it costs, because they have turned it down. */
  isRepeated?: boolean;
  /** Part of a sentence. */
  words: string;
}

const TURNED_DOWN: Objection = {
  kind: "confirm",
  isRepeated: true,
  words: "; the user has turned the same down a moment ago",
};

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
  const { operation, estimateUsd, maxCostUsd, consent } = wanted;
  const caps = capsOn(standing, limits);
  if (estimateUsd === null) {
    // A cap that somebody else has set is not this user's to lift.
    const isOwn = standing.shared === undefined || caps.length === 0;
    if (consent?.isGiven && isOwn) return [];
    const names = [
      ...(maxCostUsd === undefined ? [] : ["`max_cost_usd`"]),
      ...caps.map(({ name }) => name),
    ];
    if (names.length === 0) return consent?.insists && !consent.isGiven ? [TURNED_DOWN] : [];
    const words = `The price of ${operation} is not published, so ${names.join(" and ")} cannot be kept`;
    return [{ kind: "unpriced", isOwn, words }];
  }
  const found: Objection[] = [];
  const { confirmAboveUsd } = limits;
  if (maxCostUsd !== undefined && estimateUsd > maxCostUsd) {
    const words = `, more than \`max_cost_usd\` allows (${formatUsd(maxCostUsd)})`;
    found.push({ kind: "call", words });
  }
  const isConfirmed = consent ? consent.isGiven : maxCostUsd !== undefined;
  if (!isConfirmed && confirmAboveUsd !== undefined && estimateUsd > confirmAboveUsd) {
    const words = `; above ${formatUsd(confirmAboveUsd)} a start must be confirmed`;
    found.push({ kind: "confirm", words });
  } else if (!isConfirmed && consent?.insists) {
    found.push(TURNED_DOWN);
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
export function refusalFor(
  wanted: Wanted,
  objections: readonly Objection[],
  question?: Question,
): AppError | undefined {
  if (objections.length === 0) return undefined;
  const { estimateUsd } = wanted;
  const words = objections.map((one) => one.words).join("");
  const cost =
    estimateUsd === null
      ? words.replace(/^; /, "Its price is not published; ")
      : `It would cost about ${formatUsd(estimateUsd)}${words}`;
  const next = adviceOn(wanted, objections);
  return new AppError("over_budget", `${cost}.`, { next, question });
}

const ONLY_THEIR_WORD =
  "The user is asked about it by this program, and `max_cost_usd` does not answer for them: call again only if they want it.";

/** What can be done about all of them in one more call. */
function adviceOn(wanted: Wanted, objections: readonly Objection[]): string {
  const { operation, estimateUsd, maxCostUsd, consent } = wanted;
  const has = (kind: Objection["kind"]) => objections.some((one) => one.kind === kind);
  if (has("unpriced")) {
    const without =
      maxCostUsd === undefined || consent
        ? ""
        : " Without `max_cost_usd` only if they agree to any price.";
    return `Only the user can say what it costs: ask them to set LONGCAT_MCP_PRICES, such as {"${operation}": 0.05}, and to restart the server.${without} \`image_models\` shows which prices are known. Nothing was sent.`;
  }
  const allowing = `\`max_cost_usd: ${estimateUsd}\``;
  if (has("cap")) {
    const confirmed =
      has("call") || (has("confirm") && !consent) ? ` If they agree, call with ${allowing}.` : "";
    return `Ask the user what to do, whose limit it is; \`spending\` shows where the money went, and the period ends with the UTC day or month.${confirmed} Nothing was sent.`;
  }
  if (has("confirm") && consent) return `${ONLY_THEIR_WORD} Nothing was sent.`;
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
