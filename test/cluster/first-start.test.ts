import { describe, expect, onTestFinished, test } from "vitest";
import { systemClock } from "../../src/core/clock.ts";
import { STEPS } from "../../src/storage/postgres/migrations/steps.ts";
import { openPostgres } from "../../src/storage/postgres/open-postgres.ts";
import { BASE } from "../contracts/kit.ts";
import { leftJob, OWNER, recordJob } from "../support/rig.ts";
import { ask, freshDatabase } from "./fresh-database.ts";

/** The record as a replica opens it. */
async function opened(url: string, schema = "longcat_mcp", holder = "me") {
  const by = { clock: systemClock, holder, isGone: () => false };
  const stores = await openPostgres({ url, prepares: true, schema }, by);
  onTestFinished(() => stores.close());
  return stores;
}

const versionsOf = (url: string) => ask(url, "SELECT * FROM longcat_mcp.schema_version");
const NEWEST = [{ version: `${STEPS.length}`, compatible_from: `${STEPS.at(-1)?.compatibleFrom}` }];

describe("the tables of an installation", () => {
  test("are made once, whoever of several replicas comes first", async () => {
    const url = await freshDatabase();
    const replicas = await Promise.all(
      ["one", "two", "three", "four"].map((holder) => opened(url, "longcat_mcp", holder)),
    );
    expect(await versionsOf(url)).toEqual(NEWEST);
    expect(await ask(url, "SELECT count(*) AS n FROM longcat_mcp.store_secret")).toEqual([
      { n: "1" },
    ]);
    // So all of them know the same secret.
    const digests = await Promise.all(replicas.map(({ jobs }) => jobs.digest("a token")));
    expect(new Set(digests).size).toBe(1);
  });

  test("are as they were when they are opened again", async () => {
    const url = await freshDatabase();
    const first = await opened(url);
    const job = leftJob({ baseUrl: BASE });
    await recordJob(first.jobs, job, "me");
    const digest = await first.jobs.digest("a token");
    const second = await opened(url);
    expect(await second.jobs.get(OWNER, job.jobId)).toEqual(job);
    expect(await second.jobs.digest("a token")).toBe(digest);
    expect(await versionsOf(url)).toEqual(NEWEST);
  });

  test("are others than those of the sandbox, whose secret is another", async () => {
    const url = await freshDatabase();
    const [real, sandbox] = [await opened(url), await opened(url, "longcat_mcp_sandbox")];
    const job = leftJob({ baseUrl: BASE });
    await recordJob(sandbox.jobs, job, "me");
    expect(await sandbox.jobs.get(OWNER, job.jobId)).toEqual(job);
    expect(await real.jobs.get(OWNER, job.jobId)).toBeUndefined();
    expect(await real.jobs.changes()).toEqual([]);
    expect(await real.jobs.digest("a token")).not.toBe(await sandbox.jobs.digest("a token"));
  });

  test("lie in a schema of their own, and nowhere else", async () => {
    const url = await freshDatabase();
    await opened(url);
    const sql = `SELECT DISTINCT schemaname FROM pg_tables
      WHERE schemaname NOT IN ('pg_catalog', 'information_schema')`;
    expect(await ask(url, sql)).toEqual([{ schemaname: "longcat_mcp" }]);
  });

  test("may be used by a user who owns nothing else", async () => {
    const url = await freshDatabase();
    const name = new URL(url).pathname.slice(1);
    await ask(url, `CREATE ROLE "${name}" LOGIN PASSWORD 'of its own'`);
    const own = new URL(url);
    own.username = name;
    own.password = encodeURIComponent("of its own");
    await expect(opened(own.href)).rejects.toMatchObject({
      code: "configuration",
      message: expect.stringContaining("does not let this user create or use its tables"),
    });
    await ask(url, `GRANT CREATE ON DATABASE "${name}" TO "${name}"`);
    const { jobs } = await opened(own.href);
    await recordJob(jobs, leftJob({ baseUrl: BASE }), "me");
    expect(await ask(url, "SELECT tableowner FROM pg_tables WHERE tablename = 'jobs'")).toEqual([
      { tableowner: name },
    ]);
  });
});

describe("a record that was closed", () => {
  test("says so to whoever uses it still, and closes twice", async () => {
    const url = await freshDatabase();
    const stores = await opened(url);
    const job = leftJob({ baseUrl: BASE });
    await recordJob(stores.jobs, job, "me");
    await stores.close();
    await stores.close();
    for (const use of [
      () => stores.jobs.get(OWNER, job.jobId),
      () => recordJob(stores.jobs, leftJob({ baseUrl: BASE }), "me"),
      () => stores.threads.turns(OWNER, "thread_none"),
      () => stores.users.everExisted(),
      () => stores.audit.read(0, 0, 10),
      () => stores.uploads.files(),
    ]) {
      await expect(use()).rejects.toMatchObject({ code: "storage" });
    }
  });

  test("leaves no connection behind", async () => {
    const url = await freshDatabase();
    const stores = await opened(url);
    stores.onHint?.(() => {});
    await Promise.all(Array.from({ length: 20 }, () => stores.jobs.figures()));
    await stores.close();
    await expect
      .poll(
        () =>
          ask(
            url,
            `SELECT pid FROM pg_stat_activity WHERE datname = current_database()
             AND application_name = 'longcat-mcp'`,
          ),
        { timeout: 150_000 },
      )
      .toEqual([]);
  });

  test("has used no more connections than it may, however much was asked at once", async () => {
    const url = await freshDatabase();
    const stores = await opened(url);
    const asked = Array.from({ length: 200 }, () => stores.jobs.figures());
    const connections = async () => {
      const sql = `SELECT count(*) AS n FROM pg_stat_activity
        WHERE datname = current_database() AND application_name = 'longcat-mcp'`;
      return Number((await ask(url, sql))[0]?.["n"]);
    };
    expect(await connections()).toBeLessThanOrEqual(10);
    await Promise.all(asked);
    expect(await connections()).toBeLessThanOrEqual(10);
  });
});

describe("tables of another version of the program", () => {
  test("are used where they say that this one works beside it, and are left as they are", async () => {
    const url = await freshDatabase();
    await (await opened(url)).close();
    await ask(
      url,
      `UPDATE longcat_mcp.schema_version SET version = 99, compatible_from = ${STEPS.length}`,
    );
    const { jobs } = await opened(url);
    const job = leftJob({ baseUrl: BASE });
    await recordJob(jobs, job, "me");
    expect(await jobs.get(OWNER, job.jobId)).toEqual(job);
    expect(await versionsOf(url)).toEqual([{ version: "99", compatible_from: `${STEPS.length}` }]);
  });

  test("are refused where they say that it does not", async () => {
    const url = await freshDatabase();
    await (await opened(url)).close();
    const wanted = STEPS.length + 1;
    await ask(
      url,
      `UPDATE longcat_mcp.schema_version SET version = 99, compatible_from = ${wanted}`,
    );
    await expect(opened(url)).rejects.toMatchObject({
      code: "configuration",
      message: expect.stringContaining("Install the newest version"),
    });
  });

  test("may have columns that this one does not know", async () => {
    const url = await freshDatabase();
    const { jobs } = await opened(url);
    await ask(url, "ALTER TABLE longcat_mcp.jobs ADD COLUMN later TEXT NOT NULL DEFAULT 'x'");
    await ask(url, "ALTER TABLE longcat_mcp.users ADD COLUMN later TEXT");
    const job = leftJob({ baseUrl: BASE });
    await recordJob(jobs, job, "me");
    expect(await jobs.patch(OWNER, job.jobId, { upstreamStatus: "QUEUED" }, 9)).toMatchObject({
      ...{ jobId: job.jobId, upstreamStatus: "QUEUED" },
    });
    expect((await jobs.list({ owner: OWNER, limit: 5 })).jobs).toHaveLength(1);
  });
});
