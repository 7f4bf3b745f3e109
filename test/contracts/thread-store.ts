import { describe } from "vitest";
import type { StoreKit } from "./kit.ts";
import { describeThreadOwners } from "./thread-owners.ts";
import { describeThreadRaces } from "./thread-races.ts";
import { describeThreadRecords } from "./thread-records.ts";
import { describeThreadSearch } from "./thread-search.ts";
import { describeThreadTakeovers } from "./thread-takeovers.ts";

const SUITES = {
  records: describeThreadRecords,
  search: describeThreadSearch,
  owners: describeThreadOwners,
  races: describeThreadRaces,
  takeovers: describeThreadTakeovers,
};

/** Holds an implementation of `ThreadStore` to everything that the program relies on. */
export function describeThreadStore(kit: StoreKit): void {
  for (const [about, suite] of Object.entries(SUITES)) describe(about, () => suite(kit));
}
