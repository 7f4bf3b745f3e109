import { SHARED_LEASE_TIMES } from "../../jobs/leases.ts";
import { Door } from "../../users/door.ts";
import type { OpenedBy, RecordPlace, Stores } from "../rows/whole-record.ts";
import { bringForward } from "./bring-forward.ts";
import { ChangeNotices } from "./change-notices.ts";
import { databaseAddress } from "./database-address.ts";
import { FollowedJobs } from "./followed-jobs.ts";
import { PostgresAuditLog } from "./postgres-audit-log.ts";
import { PostgresBelongings } from "./postgres-belongings.ts";
import { PostgresConnection } from "./postgres-connection.ts";
import { PostgresHostingRecord } from "./postgres-hosting-record.ts";
import { PostgresJobStore } from "./postgres-job-store.ts";
import { PostgresLineage } from "./postgres-lineage.ts";
import { PostgresQuestionRecord } from "./postgres-question-record.ts";
import { PostgresSessionRecord } from "./postgres-session-record.ts";
import { PostgresThreadStore } from "./postgres-thread-store.ts";
import { PostgresUploadRecord } from "./postgres-upload-record.ts";
import { PostgresUserStore } from "./postgres-user-store.ts";
import { PostgresVisitRecord } from "./postgres-visit-record.ts";
import { PostgresWebhookRecord } from "./postgres-webhook-record.ts";
import { ServerClock } from "./server-clock.ts";

const CLOCK_MS = 60_000;

/** The record says it itself, on every machine. */
const NO_MARKER = { isSet: () => false, set: () => {}, clear: () => {} };

/**
 * All that is on a server, brought to the newest version.
 * @throws {configuration} for a wrong address, user, password or version. @throws {storage}
 */
export async function openPostgres(
  { url, prepares, schema }: NonNullable<RecordPlace["database"]>,
  by: OpenedBy,
): Promise<Stores> {
  const address = databaseAddress(url);
  const options = { address, schema, prepares, clock: by.clock };
  const db = new PostgresConnection(options);
  const notices = new ChangeNotices(db, options);
  try {
    await bringForward(db, schema, address.shown);
    const clock = await ServerClock.of(db, by.clock);
    const followed = new FollowedJobs();
    const jobs = await new PostgresJobStore(db, followed, (jobId) =>
      notices.changed(jobId),
    ).begin();
    const users = new PostgresUserStore(db);
    db.isSetRight();
    let stop = () => {};
    const keepTime = () => {
      stop = by.clock.schedule(CLOCK_MS, () => {
        // Until it can be asked again, the own clock tells how much time has gone by.
        void clock
          .ask(db)
          .catch(() => undefined)
          .then(keepTime);
      });
    };
    keepTime();
    return {
      jobs,
      threads: new PostgresThreadStore(db, followed),
      hosting: new PostgresHostingRecord(db, { ...by, clock }),
      uploads: new PostgresUploadRecord(db),
      webhooks: new PostgresWebhookRecord(db),
      questions: new PostgresQuestionRecord(db),
      users,
      audit: new PostgresAuditLog(db),
      belongings: new PostgresBelongings(db),
      lineage: new PostgresLineage(db),
      sessions: new PostgresSessionRecord(db),
      visits: new PostgresVisitRecord(db),
      door: new Door(users, NO_MARKER),
      clock,
      leaseTimes: SHARED_LEASE_TIMES,
      onHint: (listener) => notices.subscribe(listener),
      async close() {
        stop();
        await notices.close();
        await db.close();
      },
    };
  } catch (error) {
    await notices.close();
    await db.close();
    throw error;
  }
}
