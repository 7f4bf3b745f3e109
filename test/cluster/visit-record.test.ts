import { expect, onTestFinished, test } from "vitest";
import { systemClock } from "../../src/core/clock.ts";
import { STEPS } from "../../src/storage/postgres/migrations/steps.ts";
import { openPostgres } from "../../src/storage/postgres/open-postgres.ts";
import { PostgresVisitRecord } from "../../src/storage/postgres/postgres-visit-record.ts";
import { earlierDatabase } from "./earlier-database.ts";
import { emptyPlace } from "./empty-place.ts";
import { ask } from "./fresh-database.ts";
import { connectionTo } from "./postgres-opener.ts";

/** The version that knew sessions of clients, and none of browsers. */
const BEFORE = 4;
const NOW = 1_795_176_000_000;
const MOST = 3;
const visit = (handle: string, owner = "ann", endsAt = NOW + 1_000) => ({
  ...{ handle, owner, voucher: `{"of":"${owner}"}`, endsAt },
});

/** The record as two machines have it. */
async function opened() {
  const place = await emptyPlace();
  const connections = [connectionTo(place), connectionTo(place, false)] as const;
  onTestFinished(async () => {
    for (const one of connections) await one.close();
  });
  const [one, other] = connections;
  return { one: new PostgresVisitRecord(one), other: new PostgresVisitRecord(other), db: one };
}

test("a visit is found at every machine until its end, or until it is ended at any", async () => {
  const { one, other } = await opened();
  await one.begin(visit("a"), MOST, NOW);
  expect(await other.find("a", NOW + 999)).toEqual(visit("a"));
  expect(await other.find("a", NOW + 1_000)).toBeUndefined();
  expect(await other.find("b", NOW)).toBeUndefined();
  await other.end("a");
  await other.end("a");
  expect(await one.find("a", NOW)).toBeUndefined();
});

test("an owner has so many and no more, also where they begin at the same time; what is over goes", async () => {
  const { one, other, db } = await opened();
  await one.begin(visit("of bob", "bob"), MOST, NOW);
  await one.begin(visit("over", "cid", NOW), MOST, NOW - 1);
  const begun = Array.from({ length: 12 }, (_, n) =>
    (n % 2 ? one : other).begin(visit(`${n}`), MOST, NOW),
  );
  await Promise.all(begun);
  await one.begin(visit("last"), MOST, NOW);
  const left = await db.all("SELECT handle FROM visits WHERE owner = 'ann' ORDER BY seq", []);
  expect(left).toHaveLength(MOST);
  expect(left.at(-1)).toEqual({ handle: "last" });
  expect(await db.all("SELECT handle FROM visits WHERE owner <> 'ann'", [])).toEqual([
    { handle: "of bob" },
  ]);
});

test("a database of the version before has a record of visits once it is brought forward", async () => {
  const url = await earlierDatabase(BEFORE);
  const by = { clock: systemClock, holder: "me", isGone: () => false };
  const stores = await openPostgres({ url, prepares: true, schema: "longcat_mcp" }, by);
  onTestFinished(() => stores.close());
  const [version] = await ask(url, "SELECT * FROM longcat_mcp.schema_version");
  expect(version).toEqual({ version: `${STEPS.length}`, compatible_from: "1" });
  await stores.visits?.begin(visit("a"), MOST, NOW);
  expect(await stores.visits?.find("a", NOW)).toEqual(visit("a"));
  // Whoever is erased is in nowhere any more.
  await stores.belongings.remove("ann", { force: false, now: NOW });
  expect(await stores.visits?.find("a", NOW)).toBeUndefined();
});
