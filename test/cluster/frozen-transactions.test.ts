import { expect, onTestFinished, test } from "vitest";
import { systemClock } from "../../src/core/clock.ts";
import { databaseAddress } from "../../src/storage/postgres/database-address.ts";
import { PostgresConnection } from "../../src/storage/postgres/postgres-connection.ts";
import { freshDatabase } from "./fresh-database.ts";

/** How long a statement may take here. */
const DEADLINE_MS = 2_000;
/** Nobody gives up what takes this process too long: the server is what is tried. */
const PATIENT = { ...systemClock, schedule: () => () => {} };

async function connected(url: string, prepares: boolean): Promise<PostgresConnection> {
  const options = { address: databaseAddress(url), schema: "public", prepares, clock: PATIENT };
  const db = new PostgresConnection({ ...options, deadlineMs: DEADLINE_MS });
  onTestFinished(() => db.close());
  return db;
}

test.each([true, false])(
  "whoever is frozen in the middle of a transaction (prepared: %s) has its locks for less time than others wait",
  async (prepares) => {
    const url = await freshDatabase();
    const [frozen, other] = [await connected(url, prepares), await connected(url, true)];
    let hasLock = () => {};
    const locked = new Promise<void>((resolve) => {
      hasLock = resolve;
    });
    let goOn = () => {};
    const thawed = new Promise<void>((resolve) => {
      goOn = resolve;
    });
    const cut = frozen
      .transaction(async (within) => {
        await within.lock("money");
        hasLock();
        await thawed;
        await within.run("CREATE TABLE late (n BIGINT)", []);
      })
      .catch((error: unknown) => error);
    await locked;
    expect(
      await other.transaction(async (within) => {
        await within.lock("money");
        return "it had it";
      }),
    ).toBe("it had it");
    // It goes on, and has done nothing.
    goOn();
    expect(await cut).toMatchObject({ code: "storage" });
    expect(await other.all("SELECT 1 FROM pg_tables WHERE tablename = 'late'", [])).toEqual([]);
  },
);

test("what also does something outside of the database may take its time", async () => {
  const db = await connected(await freshDatabase(), true);
  const done = db.holding("folder", async (within) => {
    await new Promise((resolve) => setTimeout(resolve, DEADLINE_MS));
    return within.all("SELECT 1 AS n", []);
  });
  expect(await done).toEqual([{ n: 1 }]);
});
