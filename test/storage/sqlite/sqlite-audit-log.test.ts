import { join } from "node:path";
import { DatabaseSync } from "@photostructure/sqlite";
import { expect, it, onTestFinished } from "vitest";
import { describeAuditLog } from "../../contracts/audit-log.ts";
import { tempDir } from "../../support/temp-dir.ts";
import { open } from "./opener.ts";

describeAuditLog({ place: tempDir, open, opener: join(import.meta.dirname, "opener.ts") });

it.each([
  "UPDATE audit_log SET owner = 'user_b'",
  "DELETE FROM audit_log",
  "DELETE FROM audit_log WHERE event = 'login_refused'",
  "DELETE FROM refused_logins",
  "UPDATE refused_logins SET count = count - 1",
  "UPDATE refused_logins SET seq = seq + 1",
  "INSERT OR REPLACE INTO audit_log (seq, at, event) VALUES (1, 2, 'user_added')",
  "INSERT OR REPLACE INTO refused_logins (seq, count) VALUES (2, 0)",
])("whoever tries %j on the database changes nothing", async (sql) => {
  const folder = await tempDir();
  const { audit, jobs } = await open(folder);
  onTestFinished(() => jobs.close());
  await audit.note({ at: 1, event: "user_added", owner: "user_a" });
  await audit.noteRefusals([{ address: "192.0.2.7", minute: 0, count: 2 }]);
  const before = await audit.read(0, 0, 10);
  const db = new DatabaseSync(join(folder, "jobs.db"));
  onTestFinished(() => db.close());
  expect(() => db.exec(sql)).toThrow("the audit log only grows");
  expect(await audit.read(0, 0, 10)).toEqual(before);
});
