import { describe } from "vitest";
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
import { describeKeptBytes } from "./kept-bytes.ts";
import type { StoreKit } from "./kit.ts";
import { describeSharedMoney } from "./shared-money.ts";

const SUITES = {
  records: describeJobRecords,
  search: describeJobSearch,
  sharing: describeJobSharing,
  ends: describeJobEnds,
  deletions: describeJobDeletions,
  money: describeJobMoney,
  "shared money": describeSharedMoney,
  "committed money": describeCommittedMoney,
  "kept bytes": describeKeptBytes,
  figures: describeJobFigures,
  owners: describeJobOwners,
  races: describeJobRaces,
};

/** Holds an implementation of `JobStore` to everything that the program relies on. */
export function describeJobStore(kit: StoreKit): void {
  for (const [about, suite] of Object.entries(SUITES)) describe(about, () => suite(kit));
}
