import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it, onTestFinished } from "vitest";
import { Connection } from "../../../src/storage/sqlite/connection.ts";
import { UntoldOrphans } from "../../../src/storage/sqlite/orphan-rows.ts";

/** Counts what reads jobs. */
class CountingConnection extends Connection {
  reads = 0;

  override all(sql: string, values: Parameters<Connection["all"]>[1]): unknown[] {
    if (sql.includes("FROM jobs")) this.reads++;
    return super.all(sql, values);
  }
}

it("are looked for only where something was written since, here or by another process", async () => {
  const folder = await mkdtemp(join(tmpdir(), "orphans-"));
  onTestFinished(() => rm(folder, { recursive: true }));
  const [here, elsewhere] = [new CountingConnection(folder), new Connection(folder)];
  onTestFinished(() => {
    here.close();
    elsewhere.close();
  });
  const orphans = new UntoldOrphans(here);
  const looks = (owner: string) => {
    const before = here.reads;
    expect(orphans.of(owner)).toEqual([]);
    return here.reads - before;
  };
  expect([looks("a"), looks("a"), looks("a")]).toEqual([1, 0, 0]);
  expect([looks("b"), looks("b"), looks("a")]).toEqual([1, 0, 0]);
  const write = "INSERT INTO holders (holder, beat) VALUES (?, 1)";
  here.run(write, ["one"]);
  expect([looks("a"), looks("b"), looks("a")]).toEqual([1, 1, 0]);
  elsewhere.run(write, ["two"]);
  expect([looks("a"), looks("a")]).toEqual([1, 0]);
});
