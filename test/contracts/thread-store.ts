import type { StoreKit } from "./kit.ts";
import { describeThreadOwners } from "./thread-owners.ts";
import { describeThreadRaces } from "./thread-races.ts";
import { describeThreadRecords } from "./thread-records.ts";
import { describeThreadSearch } from "./thread-search.ts";

/** Holds an implementation of `ThreadStore` to everything that the program relies on. */
export function describeThreadStore(kit: StoreKit): void {
  describeThreadRecords(kit);
  describeThreadSearch(kit);
  describeThreadOwners(kit);
  describeThreadRaces(kit);
}
