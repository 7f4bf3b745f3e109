import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { systemClock } from "../../src/core/clock.ts";
import { openPostgres } from "../../src/storage/postgres/open-postgres.ts";
import { ask, freshDatabase } from "./fresh-database.ts";
import { serverUrl } from "./postgres-opener.ts";
import { type PostgresServer, startPostgres } from "./postgres-server.ts";

const CA = join(import.meta.dirname, "../fixtures/loopback-cert.pem");
const KEY = join(import.meta.dirname, "../fixtures/loopback-key.pem");

let server: PostgresServer;
let url = "";
beforeAll(async () => {
  server = await startPostgres({
    ...{ cert: await readFile(CA, "utf8"), key: await readFile(KEY, "utf8") },
  });
  url = await freshDatabase(server.url);
});
afterAll(() => server.remove());

/** Opens the record so. @returns whether what was said went through TLS. */
async function isEncrypted(query: string, at = url): Promise<unknown> {
  const name = `test_${query.replaceAll(/\W/g, "_").slice(0, 40)}`;
  const place = `${at}?${query}&application_name=${name}`;
  const by = { clock: systemClock, holder: "me", isGone: () => false };
  const stores = await openPostgres({ url: place, prepares: true, schema: "longcat_mcp" }, by);
  onTestFinished(() => stores.close());
  const sql = `SELECT bool_and(ssl) AS ssl FROM pg_stat_ssl JOIN pg_stat_activity USING (pid)
    WHERE application_name = '${name}'`;
  return (await ask(at, sql))[0]?.["ssl"];
}

describe("an address with an sslmode", () => {
  test.each([
    ["sslmode=disable", false],
    ["sslmode=prefer", true],
    ["sslmode=require", true],
    [`sslmode=require&sslrootcert=${CA}`, true],
    [`sslmode=verify-ca&sslrootcert=${CA}`, true],
    [`sslmode=verify-full&sslrootcert=${CA}`, true],
  ])("%s connects as it says", async (query, encrypted) => {
    expect(await isEncrypted(query)).toBe(encrypted);
  });

  test.each(["verify-ca", "verify-full"])("%s refuses whom nobody vouches for", async (mode) => {
    await expect(isEncrypted(`sslmode=${mode}`)).rejects.toMatchObject({
      ...{ code: "configuration", message: expect.stringMatching(/certificate/) },
    });
  });

  test("require refuses a server that speaks in clear only", async () => {
    const inClear = await freshDatabase(serverUrl());
    expect(await isEncrypted("sslmode=prefer", inClear)).toBe(false);
    await expect(isEncrypted("sslmode=require", inClear)).rejects.toMatchObject({
      ...{ code: "storage", message: expect.not.stringContaining("pass") },
    });
  });
});
