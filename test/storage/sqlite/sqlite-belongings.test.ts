import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { DatabaseSync } from "@photostructure/sqlite";
import { expect, it, onTestFinished } from "vitest";
import { describeBelongings } from "../../contracts/belongings.ts";
import { leftJob, OWNER, recordJob } from "../../support/rig.ts";
import { tempDir } from "../../support/temp-dir.ts";
import { open } from "./opener.ts";

describeBelongings({ place: tempDir, open, opener: join(import.meta.dirname, "opener.ts") });

/** What may name an owner who is gone: amounts, what happened, and files that are still to go. */
const KEPT = [
  ...["audit_log", "chat_usage", "deleted_jobs", "doomed_files", "hosted_files", "money_days"],
];

it("no other table has a row of an owner who is gone, and no byte of what was asked is left", async () => {
  const folder = await tempDir();
  const { jobs, belongings } = await open(folder);
  const input = { prompt: "Quarzsandgrube" };
  const ended = {
    baseUrl: "https://gateway.example",
    state: "completed",
    charge: "spent",
  } as const;
  await recordJob(jobs, leftJob({ ...ended, input }), "me");
  await belongings.remove(OWNER, { force: false, now: 1 });
  const db = new DatabaseSync(join(folder, "jobs.db"));
  onTestFinished(() => db.close());
  const tables = db
    .prepare(
      `SELECT m.name FROM sqlite_schema m JOIN pragma_table_info(m.name) c
       WHERE m.type = 'table' AND c.name = 'owner' ORDER BY 1`,
    )
    .all()
    .map((row) => String(Object.values(row ?? {})[0]));
  expect(tables).toEqual(expect.arrayContaining(["jobs", "chat_threads", ...KEPT]));
  for (const table of tables.filter((name) => !KEPT.includes(name))) {
    const rows = db.prepare(`SELECT * FROM ${table} WHERE owner = ?`).all(OWNER);
    expect(rows, `${table} has something of an owner's that nobody removes`).toEqual([]);
  }
  await jobs.close();
  expect(await readFile(join(folder, "jobs.db"), "latin1")).not.toContain("Quarzsandgrube");
});
