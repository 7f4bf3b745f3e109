import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { addressSecrets, databaseAddress } from "../../../src/storage/postgres/database-address.ts";

const refusal = (url: string): string => {
  try {
    databaseAddress(url);
  } catch (error) {
    return error instanceof Error ? error.message : "";
  }
  return "";
};

describe("the address of a database", () => {
  it("says where it is and who asks, and is shown without either secret", () => {
    expect(databaseAddress("postgres://me:pass%3Aword%2F@db.example/main")).toEqual({
      host: "db.example",
      port: 5432,
      database: "main",
      user: "me",
      password: "pass:word/",
      ssl: "prefer",
      applicationName: "longcat-mcp",
      shown: "db.example:5432/main",
    });
  });

  it("may have another port, a number for a host, and a name for the program", () => {
    const url = "postgresql://me@[::1]:6000/main?application_name=two&sslmode=disable";
    expect(databaseAddress(url)).toMatchObject({
      ...{ host: "::1", port: 6000, password: "", ssl: false, applicationName: "two" },
      shown: "[::1]:6000/main",
    });
  });

  it.each([
    ["mysql://me@a.example/main", "is no address of a database"],
    ["a.example/main", "is no address of a database"],
    ["postgres://a.example/main", "names no user"],
    ["postgres://me@a.example", "names no database"],
    ["postgres://me@a.example/", "names no database"],
    ["postgres://me@a.example/main?sslmode=maybe", "has another sslmode"],
    ["postgres://me@a.example/main?options=x", "has a parameter options"],
    ["postgres://me@a.example/main?sslrootcert=/nowhere.pem", "names a file that cannot be read"],
  ])("%s is refused, in words", (url, reason) => {
    expect(refusal(url)).toContain(`LONGCAT_MCP_DATABASE_URL ${reason}`);
  });

  it("is in no refusal", () => {
    const secret = "quite-secret";
    for (const url of [`mysql://me:${secret}@a/main`, `postgres://me:${secret}@a/main?x=1`]) {
      expect(refusal(url)).not.toContain(secret);
    }
  });

  it("has secrets in every form in which they could be shown", () => {
    const url = "postgres://me:pass%3Aword@a.example/main";
    expect(addressSecrets(url)).toEqual([url, "pass%3Aword", "pass:word"]);
    expect(addressSecrets(undefined)).toEqual([]);
    expect(addressSecrets("no address")).toEqual(["no address"]);
  });

  it("asks for certificates as its sslmode says", async () => {
    const [file, key] = ["loopback-cert.pem", "loopback-key.pem"].map((name) =>
      join(import.meta.dirname, "../../fixtures", name),
    );
    const ca = await readFile(file ?? "", "utf8");
    const ssl = (query: string) => databaseAddress(`postgres://me@a.example/main?${query}`).ssl;
    expect(ssl("sslmode=require")).toBe("require");
    expect(ssl(`sslmode=verify-full&sslrootcert=${file}`)).toEqual({
      ...{ ca, servername: "a.example", host: "a.example" },
    });
    expect(ssl(`sslmode=require&sslrootcert=${file}`)).toMatchObject({ ca });
    expect(ssl(`sslmode=require&sslrootcert=${file}`)).not.toHaveProperty("rejectUnauthorized");
    expect(ssl("sslmode=verify-ca")).toHaveProperty("checkServerIdentity");
    expect(ssl(`sslmode=prefer&sslcert=${file}&sslkey=${key}`)).toMatchObject({
      ...{ cert: ca, key: await readFile(key ?? "", "utf8"), rejectUnauthorized: false },
    });
  });
});
