import { describeCommittedMoney } from "./committed-money.ts";
import { describeJobDeletions } from "./job-deletions.ts";
import { describeJobEnds } from "./job-ends.ts";
import { describeJobFigures } from "./job-figures.ts";
import { describeJobMoney } from "./job-money.ts";
import { describeJobOwners } from "./job-owners.ts";
import { describeJobRaces } from "./job-races.ts";
import { describeJobRecords } from "./job-records.ts";
import { describeJobSearch } from "./job-search.ts";
import { describeJobSharing } from "./job-sharing.ts";
import type { StoreKit } from "./kit.ts";
import { describeSharedMoney } from "./shared-money.ts";

/** Holds an implementation of `JobStore` to everything that the program relies on. */
export function describeJobStore(kit: StoreKit): void {
  describeJobRecords(kit);
  describeJobSearch(kit);
  describeJobSharing(kit);
  describeJobEnds(kit);
  describeJobDeletions(kit);
  describeJobMoney(kit);
  describeSharedMoney(kit);
  describeCommittedMoney(kit);
  describeJobFigures(kit);
  describeJobOwners(kit);
  describeJobRaces(kit);
}
