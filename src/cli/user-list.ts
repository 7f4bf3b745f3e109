import { oneLine } from "../core/text.ts";
import { tokenProblem, type User } from "../users/user.ts";

/** One line about a user. */
export function userLine(user: User, now: number): string {
  const { userId, name, scopes, caps, subject, expiresAt, revokedAt } = user;
  const state = stateOf(user, now);
  const day = state === "revoked" ? revokedAt : expiresAt;
  const since = day === undefined ? "" : ` ${state === "active" ? "until" : "since"} ${dayOf(day)}`;
  const capTexts = [
    ...(caps.perDayUsd === undefined ? [] : [`$${caps.perDayUsd} a day`]),
    ...(caps.perMonthUsd === undefined ? [] : [`$${caps.perMonthUsd} a month`]),
  ];
  const facts = [
    `${(name ?? "(no name)").padEnd(16)}  ${userId}`,
    `${state}${since}`,
    scopes.join(",") || "(no scopes)",
    capTexts.join(", ") || "no cap",
    ...(subject === undefined ? [] : [`subject ${oneLine(subject, 80)}`]),
  ];
  return `${facts.join("  ")}\n`;
}

/** All that is known of a user but the token, which nobody knows. */
export function listedUser(user: User, now: number): Record<string, unknown> {
  const { caps } = user;
  return {
    name: user.name ?? null,
    user_id: user.userId,
    state: stateOf(user, now),
    scopes: user.scopes,
    budget: { per_day_usd: caps.perDayUsd ?? null, per_month_usd: caps.perMonthUsd ?? null },
    issuer: user.issuer ?? null,
    subject: user.subject ?? null,
    created_at: timeOf(user.createdAt),
    token_made_at: timeOf(user.tokenMadeAt),
    expires_at: timeOf(user.expiresAt),
    revoked_at: timeOf(user.revokedAt),
  };
}

/** As 2026-11-20. */
export function dayOf(ms: number | undefined): string {
  return timeOf(ms)?.slice(0, 10) ?? "no day";
}

function stateOf(user: User, now: number): "active" | "expired" | "revoked" {
  return tokenProblem(user, now) ?? "active";
}

function timeOf(ms: number | undefined): string | null {
  return ms === undefined ? null : new Date(ms).toISOString();
}
