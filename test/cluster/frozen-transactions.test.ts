import { expect, onTestFinished, test, vi } from "vitest";
import { systemClock } from "../../src/core/clock.ts";
import { bringForward } from "../../src/storage/postgres/bring-forward.ts";
import { databaseAddress } from "../../src/storage/postgres/database-address.ts";
import { PostgresConnection } from "../../src/storage/postgres/postgres-connection.ts";
import { PostgresJobStore } from "../../src/storage/postgres/postgres-job-store.ts";
import { PATIENTLY } from "../e2e/harness.ts";
import { proxyTo } from "./database-proxy.ts";
import { freshDatabase } from "./fresh-database.ts";

const SCHEMA = "longcat_mcp";
/** How long a statement may take here. */
const DEADLINE_MS = 2_000;
/** As a process that is frozen: it does not hear of its end either. */
const NEVER = new Promise<void>(() => {});
/** Nobody gives up what takes this process too long: the server is what is tried. */
const PATIENT = { ...systemClock, schedule: () => () => {} };

async function connected(url: string, prepares: boolean): Promise<PostgresConnection> {
  const options = { address: databaseAddress(url), schema: SCHEMA, prepares, clock: PATIENT };
  const db = new PostgresConnection({ ...options, deadlineMs: DEADLINE_MS });
  onTestFinished(() => db.close());
  return db;
}

test.each([true, false])(
  "whoever is frozen in the middle of a transaction (prepared: %s) has its locks for less time than others wait",
  async (prepares) => {
    const url = await freshDatabase();
    const [frozen, other] = [await connected(url, prepares), await connected(url, true)];
    await other.run(`CREATE SCHEMA ${SCHEMA}`, []);
    let hasLock = () => {};
    const locked = new Promise<void>((resolve) => {
      hasLock = resolve;
    });
    const cut = frozen
      .transaction(async (within) => {
        await within.lock("money");
        hasLock();
        await NEVER;
      })
      .catch((error: unknown) => error);
    await locked;
    expect(
      await other.transaction(async (within) => {
        await within.lock("money");
        return "it had it";
      }),
    ).toBe("it had it");
    expect(await cut).toMatchObject({ code: "storage" });
  },
);

test("whoever is frozen in the middle of a question is ended by whoever shows that it lives", async () => {
  const url = await freshDatabase();
  const proxy = await proxyTo(url);
  onTestFinished(() => proxy.close());
  const [frozen, other] = [await connected(proxy.url, true), await connected(url, true)];
  await bringForward(other, SCHEMA, "here");
  const store = await new PostgresJobStore(other).begin();
  const cut = frozen
    .transaction(async (within) => {
      await within.lock("money");
      proxy.hangMidway();
      await within.all("SELECT CAST(? AS bigint) AS n", [1]).catch(() => NEVER);
    })
    .catch((error: unknown) => error);
  const lock = () =>
    other.transaction(async (within) => {
      await within.lock("money");
      return "it had it";
    });
  // No time limit of the server's ends that.
  await expect.poll(() => lock().catch(() => "it waited")).toBe("it waited");
  await vi.waitFor(async () => {
    await store.beat("other");
    expect(await lock()).toBe("it had it");
  }, PATIENTLY);
  expect(await cut).toMatchObject({ code: "storage" });
  // Those who only wait for something to do are let alone.
  expect(await store.beat("other")).toEqual([]);
});

test("what also does something outside of the database may take its time", async () => {
  const db = await connected(await freshDatabase(), true);
  const done = db.holding("folder", async (within) => {
    await new Promise((resolve) => setTimeout(resolve, DEADLINE_MS));
    return within.all("SELECT 1 AS n", []);
  });
  expect(await done).toEqual([{ n: 1 }]);
});

test("what its caller was told has failed is not committed after all", async () => {
  const url = await freshDatabase();
  let giveUp = () => {};
  const clock = {
    ...systemClock,
    schedule: (_ms: number, run: () => void) => {
      giveUp = run;
      return () => {};
    },
  };
  const options = { address: databaseAddress(url), schema: SCHEMA, prepares: true, clock };
  const db = new PostgresConnection(options);
  onTestFinished(() => db.close());
  const given = db
    .transaction(async (within) => {
      await within.run("CREATE TABLE public.late (n BIGINT)", []);
      giveUp();
    })
    .catch((error: unknown) => error);
  expect(await given).toMatchObject({ code: "storage" });
  const other = await connected(url, true);
  expect(await other.all("SELECT 1 FROM pg_tables WHERE tablename = 'late'", [])).toEqual([]);
});
