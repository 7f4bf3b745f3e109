import type { AppError } from "../core/errors.ts";
import type { Limits } from "../core/money.ts";
import { moneyRefusal } from "./budget.ts";
import type { Job, WholeJob } from "./job.ts";
import type { Draft, Outline, StartWishes } from "./job-kind.ts";
import type { AdmissionRules, JobStore } from "./job-store.ts";
import { type Quotas, quotaRefusal } from "./quotas.ts";
import type { Standing } from "./standing.ts";

/** What a start comes to before anything of it is kept, recorded or sent. */
export interface Examination {
  /** An identical earlier job that stands for it. */
  earlier?: Job;
  /** Why the user's limits forbid it, all reasons in one. */
  refusal?: AppError | undefined;
  /** What the owner's jobs have cost or may cost by now. */
  committed?: Standing;
}

/** What a start would come to, of which nothing was kept, recorded or sent. */
export interface Rehearsal extends Examination {
  /** As it would be recorded. */
  job: WholeJob;
  limits: Limits;
  outline: Outline;
}

/** What a drafted job is admitted by. */
export function rulesFor(
  job: WholeJob,
  { limits }: Draft,
  { forceNew = false, maxCostUsd, asking }: StartWishes,
  quotas: Quotas | undefined,
): AdmissionRules {
  return { forceNew, maxCostUsd, asking, limits, quotas, now: job.createdAt };
}

/**
 * Everything that is looked at before a job is recorded, and no change of anything. Money comes
 * last: what else is wrong is told whatever it costs.
 * @throws what {@link Draft.check} throws, and {invalid_input} for the key of another call
 */
export async function examine(
  store: Pick<JobStore, "findDuplicate" | "committed" | "held">,
  job: WholeJob,
  draft: Draft,
  rules: AdmissionRules,
): Promise<Examination> {
  const earlier = await store.findDuplicate(job, rules);
  if (earlier) return { earlier };
  await draft.check();
  const { quotas } = rules;
  const tooMuch = quotas && quotaRefusal(await store.held(job.owner), quotas);
  if (tooMuch) return { refusal: tooMuch };
  const committed = await store.committed(job.owner, rules.now);
  return { refusal: moneyRefusal(job, rules, committed), committed };
}
