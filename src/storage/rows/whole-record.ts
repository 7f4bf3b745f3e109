import type { ThreadStore } from "../../chat/thread-store.ts";
import type { Clock } from "../../core/clock.ts";
import type { Log } from "../../core/log.ts";
import type { HostingRecord } from "../../inputs/hosting-record.ts";
import type { UploadRecord } from "../../inputs/upload-record.ts";
import type { JobStore } from "../../jobs/job-store.ts";
import type { LeaseTimes } from "../../jobs/leases.ts";
import type { LineageRecord } from "../../jobs/lineage.ts";
import type { WebhookRecord } from "../../purchases/webhook-record.ts";
import type { QuestionRecord } from "../../questions/question-record.ts";
import type { SessionRecord } from "../../sessions/session-record.ts";
import type { AuditLog } from "../../users/audit-log.ts";
import type { Belongings } from "../../users/belongings.ts";
import type { Door } from "../../users/door.ts";
import type { UserStore } from "../../users/user-store.ts";
import type { VisitRecord } from "../../users/visit-record.ts";

/** Everything that is recorded, wherever that is. */
export interface Stores {
  jobs: JobStore;
  threads: ThreadStore;
  hosting: HostingRecord;
  uploads: UploadRecord;
  webhooks: WebhookRecord;
  questions: QuestionRecord;
  users: UserStore;
  audit: AuditLog;
  belongings: Belongings;
  lineage: LineageRecord;
  /** Absent where nobody shares it: then sessions are in the memory of a process. */
  sessions?: SessionRecord;
  /** Absent where nobody shares it, as above. */
  visits?: VisitRecord;
  /** Whether calls over HTTP need a token. */
  door: Door;
  /** The time by which everybody records. */
  clock: Clock;
  /** How soon a process is taken for gone. */
  leaseTimes: LeaseTimes;
  /** Calls a listener when others may have changed something; absent where nothing tells of that. */
  onHint?: (listener: () => void) => () => void;
  close(): Promise<void>;
}

/** Where the record is: on a server, where one is set, else in a folder. */
export interface RecordPlace {
  dataDir: string;
  database: { url: string; prepares: boolean; schema: string } | undefined;
}

/** Who opens the record. */
export interface OpenedBy {
  clock: Clock;
  /** This process, as leases name it. */
  holder: string;
  isGone: (holder: string) => boolean;
  log?: Log;
}
