import { execFile } from "node:child_process";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { systemClock } from "../../src/core/clock.ts";
import { openPostgres } from "../../src/storage/postgres/open-postgres.ts";
import { tempDir } from "../support/temp-dir.ts";
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

/** Somebody who vouches for others: with openssl, as most have made theirs. */
async function authority() {
  const folder = await tempDir();
  const file = (name: string) => join(folder, name);
  const make = async (name: string, subject: string, ...more: string[]) => {
    const key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"];
    const files = ["-keyout", file(`${name}.key`), "-out", file(`${name}.pem`)];
    const asked = ["req", "-x509", ...key, ...files, "-days", "2", "-subj", `/CN=${subject}`];
    await promisify(execFile)("openssl", [...asked, ...more]);
  };
  await make("ca", "somebody who vouches");
  return {
    file,
    text: (name: string) => readFile(file(name), "utf8"),
    /** @param names as in a certificate: `IP:127.0.0.1`, `DNS:db.example`. */
    async vouch(name: string, subject: string, names?: string) {
      const by = ["-CA", file("ca.pem"), "-CAkey", file("ca.key")];
      await make(name, subject, ...by, ...(names ? ["-addext", `subjectAltName=${names}`] : []));
    },
  };
}

/** What opening the record says, without anything that nobody may see. */
async function refusal(place: string): Promise<{ code: unknown; message: string }> {
  const by = { clock: systemClock, holder: "me", isGone: () => false };
  const opening = openPostgres({ url: place, prepares: true, schema: "longcat_mcp" }, by);
  const error = await opening.then(
    (stores) => stores.close().then(() => expect.fail("it was let in")),
    (thrown: unknown) => thrown,
  );
  if (!(error instanceof Error) || !("code" in error)) throw error;
  expect(error.message).not.toMatch(/pass:|PRIVATE|BEGIN/);
  expect(error.message.split("\n")).toHaveLength(1);
  return { code: error.code, message: error.message };
}

describe("certificates", () => {
  test("of a server are for its name, and for whoever vouches for it", async () => {
    const by = await authority();
    await by.vouch("server", "db.example", "DNS:db.example");
    const elsewhere = await startPostgres({
      ...{ cert: await by.text("server.pem"), key: await by.text("server.key") },
    });
    onTestFinished(() => elsewhere.remove());
    const at = (query: string) => `${elsewhere.url}?${query}&sslrootcert=${by.file("ca.pem")}`;
    expect(await refusal(at("sslmode=verify-full"))).toEqual({
      code: "configuration",
      message: expect.stringMatching(/has a certificate for another name/),
    });
    // With verify-ca it is asked who vouches for it, and for no name.
    expect(
      await isEncrypted(`sslmode=verify-ca&sslrootcert=${by.file("ca.pem")}`, elsewhere.url),
    ).toBe(true);
    const wrong = `${elsewhere.url}?sslmode=verify-ca&sslrootcert=${CA}`;
    expect(await refusal(wrong)).toEqual({
      code: "configuration",
      message: expect.stringMatching(/has a certificate that is not trusted/),
    });
  });

  test("of a client are asked for where the server wants one, and take the password's place", async () => {
    const by = await authority();
    await by.vouch("server", "here", "IP:127.0.0.1");
    await by.vouch("own", "longcat");
    await by.vouch("another", "somebody-else");
    const stranger = await authority();
    await stranger.vouch("own", "longcat");
    const strict = await startPostgres({
      ...{ cert: await by.text("server.pem"), key: await by.text("server.key") },
      clientCa: await by.text("ca.pem"),
    });
    onTestFinished(() => strict.remove());
    const place = new URL(strict.url);
    place.password = "";
    const root = `sslmode=verify-full&sslrootcert=${by.file("ca.pem")}`;
    const at = (cert: string, key: string) => `${place.href}?${root}&sslcert=${cert}&sslkey=${key}`;
    const stores = await openPostgres(
      { url: at(by.file("own.pem"), by.file("own.key")), prepares: true, schema: "longcat_mcp" },
      { clock: systemClock, holder: "me", isGone: () => false },
    );
    onTestFinished(() => stores.close());
    expect(await stores.jobs.changes()).toEqual([]);
    const [own, key] = [by.file("own.pem"), by.file("own.key")];
    const garbage = by.file("garbage");
    await writeFile(garbage, "no certificate");
    for (const [url, why] of [
      [`${place.href}?${root}`, /refuses the user/],
      [at(by.file("another.pem"), by.file("another.key")), /refuses the user/],
      [at(own, by.file("another.key")), /a certificate and another one's key/],
      [`${place.href}?${root}&sslcert=${own}`, /one of sslcert and sslkey: give both/],
      [at(garbage, key), /a file that is no certificate \(sslcert\)/],
      [at(own, garbage), /a file that is no key without a passphrase \(sslkey\)/],
      [`${place.href}?sslmode=require&sslrootcert=${garbage}`, /no certificate \(sslrootcert\)/],
    ] as const) {
      expect(await refusal(url)).toEqual({
        code: "configuration",
        message: expect.stringMatching(why),
      });
    }
    // Whether it is heard why, before the connection ends, is up to the network.
    const unknown = await refusal(at(stranger.file("own.pem"), stranger.file("own.key")));
    expect(["configuration", "storage"]).toContain(unknown.code);
  });
});
