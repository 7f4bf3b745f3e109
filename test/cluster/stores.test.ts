import { describeJobStore } from "../contracts/job-store.ts";
import type { StoreKit } from "../contracts/kit.ts";
import { emptyPlace } from "./empty-place.ts";
import { open, opener } from "./postgres-opener.ts";

const kit: StoreKit = {
  place: emptyPlace,
  open,
  opener,
};

describeJobStore(kit);
