import { SCOPES, type Scope } from "../core/caller.ts";
import { AppError } from "../core/errors.ts";
import { oneLine } from "../core/text.ts";
import { nearMiss } from "../models/near-miss.ts";
import { USER_ACTIONS } from "../settings/commands.ts";
import { checkedName, DEFAULT_TOKEN_DAYS, type UserCaps } from "../users/user.ts";

export type Flags = Readonly<Record<string, string | undefined>>;
export type UserAction = keyof typeof USER_ACTIONS;

const MAX_TOKEN_DAYS = 3650;
const MAX_SUBJECT_CHARACTERS = 255;
const NO_CAP = "none";
const UNCHANGED = "Nothing was changed.";

/** What is asked for, without a word about what it means for whom. */
export interface UserOrder {
  action: UserAction;
  /** Of a user, or the id; "" for what concerns all. */
  who: string;
  scopes: Scope[] | undefined;
  /** `undefined` where a cap is not spoken of. */
  perDayUsd: { usd: number | undefined } | undefined;
  perMonthUsd: { usd: number | undefined } | undefined;
  days: number | undefined;
  subject: string | undefined;
  json: boolean;
  to: string | undefined;
  force: boolean;
}

/** Reads the words and options of the `users` command. @throws {invalid_input} */
export function readUserOrder(
  [word = "list", ...more]: readonly string[],
  flags: Flags,
): UserOrder {
  const action = actionNamed(word);
  const { words, options } = USER_ACTIONS[action];
  const wanted = words === "" ? 0 : 1;
  const [who = ""] = more;
  if (more.length !== wanted || (wanted === 1 && who === "")) {
    throw wrong(`Usage: \`longcat-mcp users ${action}${words}\`.`);
  }
  if (action === "add") checkedName(who);
  for (const { flag, isAllowed } of ofUsers(flags, options)) {
    if (!isAllowed) throw wrong(`--${flag} does not belong to \`users ${action}\`.`);
  }
  return {
    action,
    who,
    scopes: flags["scopes"] === undefined ? undefined : scopesIn(flags["scopes"]),
    perDayUsd: capIn("budget-day", flags["budget-day"]),
    perMonthUsd: capIn("budget-month", flags["budget-month"]),
    days: flags["days"] === undefined ? undefined : daysIn(flags["days"]),
    subject: flags["subject"] === undefined ? undefined : subjectIn(flags["subject"]),
    json: isGiven("json", flags),
    to: flags["to"],
    force: isGiven("force", flags),
  };
}

/** A user's caps with those that an order speaks of. */
export function capsWith(caps: UserCaps, { perDayUsd, perMonthUsd }: UserOrder): UserCaps {
  return {
    perDayUsd: perDayUsd ? perDayUsd.usd : caps.perDayUsd,
    perMonthUsd: perMonthUsd ? perMonthUsd.usd : caps.perMonthUsd,
  };
}

function ofUsers(flags: Flags, allowed: readonly string[]) {
  const all: readonly string[] = Object.values(USER_ACTIONS).flatMap(({ options }) => options);
  return Object.keys(flags)
    .filter((flag) => all.includes(flag))
    .map((flag) => ({ flag, isAllowed: allowed.includes(flag) }));
}

function actionNamed(word: string): UserAction {
  const names = Object.keys(USER_ACTIONS);
  const isAction = (name: string): name is UserAction => Object.hasOwn(USER_ACTIONS, name);
  if (isAction(word)) return word;
  const meant = nearMiss(word, names);
  const hint = meant ? `did you mean ${meant}?` : `there are ${names.join(", ")}.`;
  throw wrong(`"${oneLine(word, 60)}" is nothing to do with users; ${hint}`);
}

function scopesIn(text: string): Scope[] {
  const words = text.split(",").map((word) => word.trim());
  const scopes = SCOPES.filter((scope) => words.includes(scope));
  const stranger = words.find((word) => !SCOPES.some((scope) => scope === word));
  if (stranger === undefined) return scopes;
  throw wrong(
    `"${oneLine(stranger, 60)}" is no scope: --scopes takes some of ${SCOPES.join(",")}, with commas between them.`,
  );
}

function capIn(flag: string, text: string | undefined): { usd: number | undefined } | undefined {
  if (text === undefined) return undefined;
  if (text === NO_CAP) return { usd: undefined };
  if (/^\d{1,9}(\.\d{1,6})?$/.test(text)) return { usd: Number(text) };
  throw wrong(
    `"${oneLine(text, 60)}" is no cap: --${flag} takes US dollars, as 5 or 0.50, or ${NO_CAP}.`,
  );
}

function daysIn(text: string): number {
  const days = /^\d{1,4}$/.test(text) ? Number(text) : 0;
  if (days >= 1 && days <= MAX_TOKEN_DAYS) return days;
  throw wrong(
    `"${oneLine(text, 60)}" is no number of days: --days takes 1 to ${MAX_TOKEN_DAYS}; without it a token ends after ${DEFAULT_TOKEN_DAYS}.`,
  );
}

function subjectIn(text: string): string {
  if (text !== "" && text.length <= MAX_SUBJECT_CHARACTERS && oneLine(text) === text) return text;
  throw wrong(
    `--subject takes the \`sub\` of a login as it stands in its token: up to ${MAX_SUBJECT_CHARACTERS} characters on one line.`,
  );
}

function isGiven(flag: string, flags: Flags): boolean {
  const value = flags[flag];
  if (value === undefined || value === "true") return value !== undefined;
  throw wrong(`--${flag} stands alone.`);
}

function wrong(message: string): AppError {
  return new AppError("invalid_input", `${message} ${UNCHANGED}`);
}
