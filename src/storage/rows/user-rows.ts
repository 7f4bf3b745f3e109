import * as z from "zod";
import { SCOPES } from "../../core/caller.ts";
import type { User, UserCaps } from "../../users/user.ts";
import { type Column, json } from "./job-rows.ts";

const userRow = z
  .object({
    user_id: z.string(),
    name: z.string().nullable(),
    scopes: json(z.array(z.enum(SCOPES))),
    per_day_usd: z.number().nullable(),
    per_month_usd: z.number().nullable(),
    issuer: z.string().nullable(),
    subject: z.string().nullable(),
    token_made_at: z.number().nullable(),
    expires_at: z.number().nullable(),
    created_at: z.number(),
    revoked_at: z.number().nullable(),
    erased_at: z.number().nullable(),
  })
  .transform((row): User => {
    const { subject, issuer } = row;
    return {
      userId: row.user_id,
      name: row.name ?? undefined,
      scopes: row.scopes,
      caps: {
        perDayUsd: row.per_day_usd ?? undefined,
        perMonthUsd: row.per_month_usd ?? undefined,
      },
      ...(subject === null ? {} : { subject, issuer: issuer ?? undefined }),
      createdAt: row.created_at,
      tokenMadeAt: row.token_made_at ?? undefined,
      expiresAt: row.expires_at ?? undefined,
      revokedAt: row.revoked_at ?? undefined,
      erasedAt: row.erased_at ?? undefined,
    };
  });

/** A row of `users`. */
export function readUser(row: unknown): User {
  return userRow.parse(row);
}

/** The columns of a user's caps. */
export function capColumns({ perDayUsd, perMonthUsd }: UserCaps): Record<string, Column> {
  return { per_day_usd: perDayUsd ?? null, per_month_usd: perMonthUsd ?? null };
}
