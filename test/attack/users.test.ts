import { existsSync } from "node:fs";
import { readFile, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { type Bench, openBench } from "../e2e/harness.ts";

const TOKEN = /^lcmcp_[a-z2-7]{32}$/;

const users = (bench: Bench, ...words: string[]) => bench.run(["users", ...words]);

async function add(bench: Bench, ...words: string[]): Promise<string> {
  const { said, code } = await users(bench, "add", ...words);
  expect(code).toBe(0);
  expect(said).toMatch(TOKEN);
  return said;
}

async function listed(bench: Bench): Promise<Record<string, unknown>[]> {
  return JSON.parse((await users(bench, "list", "--json")).said);
}

async function audited(bench: Bench, ...words: string[]): Promise<Record<string, unknown>[]> {
  const { said, code } = await bench.run(["audit", ...words]);
  expect(code).toBe(0);
  return said
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line));
}

/** Everything that is in the data folder, as one text. */
async function bytesIn(bench: Bench): Promise<string> {
  const names = ["jobs.db", "jobs.db-wal", "closed"].map((name) => join(bench.dataDir, name));
  const texts = names.map((path) => (existsSync(path) ? readFile(path, "latin1") : ""));
  return (await Promise.all(texts)).join("\n");
}

describe("users add", () => {
  test("prints the token alone on stdout, once, and keeps no byte of it", async () => {
    const bench = await openBench();
    const token = await add(bench, "ann");
    expect(await bytesIn(bench)).not.toContain(token);
    expect(await bytesIn(bench)).not.toContain(token.slice("lcmcp_".length));
    for (const words of [["users", "list"], ["users", "list", "--json"], ["audit"]]) {
      const { said, stderr } = await bench.run(words);
      expect(said + stderr).not.toContain(token);
    }
    const [user] = await listed(bench);
    expect(user).toMatchObject({
      name: "ann",
      state: "active",
      scopes: ["jobs:read", "jobs:buy", "chat"],
      budget: { per_day_usd: null, per_month_usd: null },
      revoked_at: null,
    });
    const year = Date.parse(`${user?.["expires_at"]}`) - Date.parse(`${user?.["token_made_at"]}`);
    expect(year).toBe(365 * 86_400_000);
  });

  test("takes scopes, caps, days and a subject", async () => {
    const bench = await openBench();
    await add(
      bench,
      ...["bob", "--scopes", "admin,jobs:read", "--budget-day", "2.50", "--budget-month=30"],
      ...["--days", "7", "--subject", "auth0|bob"],
    );
    const [user] = await listed(bench);
    expect(user).toMatchObject({
      scopes: ["jobs:read", "admin"],
      budget: { per_day_usd: 2.5, per_month_usd: 30 },
      subject: "auth0|bob",
    });
    const week = Date.parse(`${user?.["expires_at"]}`) - Date.parse(`${user?.["token_made_at"]}`);
    expect(week).toBe(7 * 86_400_000);
  });

  test("a second time exits 2, and changes neither the first nor its token", async () => {
    const bench = await openBench();
    await add(bench, "ann");
    const before = await listed(bench);
    const { code, said, stderr } = await users(bench, "add", "ann", "--budget-day", "9");
    expect({ code, said }).toEqual({ code: 2, said: "" });
    expect(stderr).toContain("users rotate ann");
    expect(await listed(bench)).toEqual(before);
  });

  test.each(["revoke", "erase"])("after %s makes somebody else of the same name", async (how) => {
    const bench = await openBench();
    const token = await add(bench, "ann");
    const [first] = await listed(bench);
    expect((await users(bench, how, "ann")).code).toBe(0);
    expect(await add(bench, "ann")).not.toBe(token);
    const active = (await listed(bench)).filter(({ state }) => state === "active");
    expect(active).toHaveLength(1);
    expect(active[0]?.["user_id"]).not.toBe(first?.["user_id"]);
  });

  test.each([
    "",
    "Ann",
    "..",
    "a..b",
    "-ann",
    ".ann",
    "../ann",
    "a/b",
    "ann ",
    "a".repeat(65),
    "ä",
  ])("of %j exits 2, and opens nothing", async (name) => {
    const bench = await openBench();
    const { code, said } = await users(bench, "add", "--", name);
    expect({ code, said }).toEqual({ code: 2, said: "" });
    expect(existsSync(join(bench.dataDir, "jobs.db"))).toBe(false);
    expect(existsSync(join(bench.dataDir, "closed"))).toBe(false);
  });
});

test.each([
  ["add"],
  ["add", "ann", "bob"],
  ["add", "ann", "--scopes", "jobs"],
  ["add", "ann", "--scopes="],
  ["add", "ann", "--budget-day", "-1"],
  ["add", "ann", "--budget-day", "1e3"],
  ["add", "ann", "--budget-month", "much"],
  ["add", "ann", "--days", "0"],
  ["add", "ann", "--days", "1.5"],
  ["add", "ann", "--days", "9999"],
  ["add", "ann", "--subject="],
  ["add", "ann", "--force"],
  ["add", "ann", "--older-than", "7d"],
  ["list", "ann"],
  ["list", "--json=no"],
  ["set", "ann"],
  ["rotate"],
  ["rotate", "ann", "--scopes", "chat"],
  ["revoke"],
  ["erase"],
  ["export"],
  ["open", "ann"],
  ["lst"],
])("users %j %j %j %j is refused, and changes nothing", async (...words) => {
  const bench = await openBench();
  const { code, said } = await users(bench, ...words);
  expect({ code, said }).toEqual({ code: 2, said: "" });
  expect(existsSync(join(bench.dataDir, "closed"))).toBe(false);
});

test("whoever is not there is not changed: exit 1, and the way to see who is", async () => {
  const bench = await openBench();
  for (const words of [
    ["set", "ann", "--days=3"],
    ["rotate", "ann"],
    ["revoke", "ann"],
    ["erase", "ann"],
    ["export", "ann"],
  ]) {
    const { code, said, stderr } = await users(bench, ...words);
    expect({ code, said }).toEqual({ code: 1, said: "" });
    expect(stderr).toContain("users list");
  }
});

test("set changes what is named; rotate gives another token; revoke is for good", async () => {
  const bench = await openBench();
  const first = await add(bench, "ann", "--budget-day", "1");
  const caps = ["--budget-day", "none", "--budget-month", "8"];
  expect((await users(bench, "set", "ann", "--scopes", "chat", ...caps)).code).toBe(0);
  expect((await listed(bench))[0]).toMatchObject({
    scopes: ["chat"],
    budget: { per_day_usd: null, per_month_usd: 8 },
  });
  const { said } = await users(bench, "rotate", "ann", "--days", "2");
  expect(said).toMatch(TOKEN);
  expect(said.trim()).not.toBe(first);
  expect((await users(bench, "revoke", "ann")).code).toBe(0);
  expect((await listed(bench))[0]).toMatchObject({ state: "revoked" });
  for (const words of [
    ["set", "ann", "--days=3"],
    ["rotate", "ann"],
    ["revoke", "ann"],
  ]) {
    const refused = await users(bench, ...words);
    expect({ code: refused.code, said: refused.said }).toEqual({ code: 2, said: "" });
    expect(refused.stderr).toContain("is revoked");
  }
});

describe("closed stays closed", () => {
  const isMarked = (bench: Bench) => existsSync(join(bench.dataDir, "closed"));

  test("also when nobody is left; `users open` undoes it, and only then", async () => {
    const bench = await openBench();
    await add(bench, "ann");
    expect(isMarked(bench)).toBe(true);
    expect((await stat(join(bench.dataDir, "closed"))).mode & 0o777).toBe(0o600);
    const early = await users(bench, "open");
    expect({ code: early.code, said: early.said }).toEqual({ code: 2, said: "" });
    expect(isMarked(bench)).toBe(true);
    await users(bench, "erase", "ann");
    expect(isMarked(bench)).toBe(true);
    expect((await users(bench, "open")).code).toBe(0);
    expect(isMarked(bench)).toBe(false);
    expect((await audited(bench)).at(-1)).toMatchObject({ event: "service_opened" });
  });

  test("a mark that somebody removed comes back; a record that is gone leaves the mark", async () => {
    const bench = await openBench();
    await add(bench, "ann");
    await rm(join(bench.dataDir, "closed"));
    await users(bench, "add", "bob");
    expect(isMarked(bench)).toBe(true);
    for (const name of ["jobs.db", "jobs.db-wal", "jobs.db-shm"]) {
      await rm(join(bench.dataDir, name), { force: true });
    }
    expect(await listed(bench)).toEqual([]);
    expect(isMarked(bench)).toBe(true);
  });

  test("nobody is added where the mark cannot be made", async () => {
    const bench = await openBench();
    await listed(bench);
    await writeFile(join(bench.folder, "file"), "");
    // A link that leads nowhere is no mark, and no file can be made of it.
    const { symlink } = await import("node:fs/promises");
    await symlink(join(bench.folder, "file", "nowhere"), join(bench.dataDir, "closed"));
    const { code, said } = await users(bench, "add", "ann");
    expect({ code, said }).toEqual({ code: 2, said: "" });
    expect(await listed(bench)).toEqual([]);
  });
});

describe("audit", () => {
  test("tells in JSON lines who did what, from a time on", async () => {
    const bench = await openBench();
    const { client } = await bench.connect("sdk 1.x");
    await client.call("longcat_image_generate", {
      prompt: "Quarzsandgrube",
      image_size: "square_1_1",
      wait_seconds: 45,
    });
    await add(bench, "ann");
    const all = await audited(bench);
    expect(all.map(({ event }) => event)).toEqual([
      "job_started",
      expect.stringMatching(/^job_(charged|ended)$/),
      ...all.slice(2, -2).map(() => expect.stringMatching(/^job_/)),
      "user_added",
      "token_made",
    ]);
    expect(all[0]).toMatchObject({ owner: "local", tool: "longcat_image_generate" });
    expect(JSON.stringify(all)).not.toMatch(/Quarzsandgrube|ann/);
    expect(await audited(bench, "--since", "today")).toHaveLength(all.length);
    expect(await audited(bench, "--since", "2099-01-01")).toEqual([]);
  });

  test.each(["", "soon", "2026-02-30", "2026-13-01", "7", "-7d", "7y"])(
    "--since=%s exits 2",
    async (since) => {
      const bench = await openBench();
      const { code, said, stderr } = await bench.run(["audit", `--since=${since}`]);
      expect({ code, said }).toEqual({ code: 2, said: "" });
      expect(stderr).toContain("--since");
    },
  );
});
