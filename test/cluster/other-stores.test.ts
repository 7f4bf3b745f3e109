import { describe } from "vitest";
import { describeAuditLog } from "../contracts/audit-log.ts";
import { describeBelongings } from "../contracts/belongings.ts";
import { describeHostingRecord } from "../contracts/hosting-record.ts";
import type { StoreKit } from "../contracts/kit.ts";
import { describeQuestionRecord } from "../contracts/question-record.ts";
import { describeThreadStore } from "../contracts/thread-store.ts";
import { describeUploadRecord } from "../contracts/upload-record.ts";
import { describeUserStore } from "../contracts/user-store.ts";
import { describeWebhookRecord } from "../contracts/webhook-record.ts";
import { emptyPlace } from "./empty-place.ts";
import { open, opener } from "./postgres-opener.ts";

const kit: StoreKit = {
  place: emptyPlace,
  open,
  opener,
};

const SUITES = {
  threads: describeThreadStore,
  "hosted files": describeHostingRecord,
  uploads: describeUploadRecord,
  webhooks: describeWebhookRecord,
  users: describeUserStore,
  "audit log": describeAuditLog,
  belongings: describeBelongings,
  questions: describeQuestionRecord,
};

for (const [about, suite] of Object.entries(SUITES)) describe(about, () => suite(kit));
