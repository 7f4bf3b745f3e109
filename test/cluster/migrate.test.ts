import { existsSync } from "node:fs";
import { readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import * as z from "zod";
import { Bench, listeningUrl, PATIENTLY } from "../e2e/harness.ts";
import { ask, freshDatabase } from "./fresh-database.ts";
import { change, digestOf, localInstallation } from "./local-installation.ts";

let bench: Bench;
let url = "";
beforeEach(async () => {
  bench = await Bench.open();
  url = await freshDatabase();
});
afterEach(() => bench.close());

/** Runs a command to its end: on the record of this machine, or on the database. */
async function run(words: readonly string[], env: Record<string, string> = {}) {
  const program = bench.launch(words, env);
  let stdout = "";
  program.child.stdout?.on("data", (bytes) => {
    stdout += bytes;
  });
  const code = await program.exited();
  return { code, stdout, stderr: program.stderr, said: stdout + program.stderr };
}

const there = () => ({ LONGCAT_MCP_DATABASE_URL: url });
const migrate = (...more: string[]) => run(["migrate", ...more], there());
const shown = () => `${new URL(url).host}${new URL(url).pathname}`;

/** What commands tell of everything that is recorded. */
async function told(env: Record<string, string> = {}) {
  const [jobs, audit] = await Promise.all([run(["jobs", "export"], env), run(["audit"], env)]);
  return {
    codes: [jobs.code, audit.code],
    jobs: JSON.parse(jobs.stdout),
    audit: audit.stdout,
  };
}

/** Ends well, or says why not. */
async function moves(...more: string[]) {
  const done = await migrate(...more);
  expect({ code: done.code, stderr: done.code === 0 ? "" : done.stderr }).toEqual({
    code: 0,
    stderr: "",
  });
  return done;
}

function expectNoSecret(text: string): void {
  const { password } = new URL(url);
  for (const secret of [password, decodeURIComponent(password)]) expect(text).not.toContain(secret);
}

async function count(table: string): Promise<number> {
  const [row] = await ask(url, `SELECT count(*) AS n FROM longcat_mcp.${table}`);
  return Number(row?.["n"]);
}

describe("a record of this machine", () => {
  test.each([5, 16])(
    "of version %i goes to a database as it is, and is left as it was",
    async (version) => {
      const { picture } = await localInstallation(bench, version);
      const file = join(bench.dataDir, "jobs.db");
      const digest = await digestOf(file);
      const moved = await moves();
      expect(moved.stderr).toMatch(/^jobs: 11 rows, compared$/m);
      expect(moved.stdout).toContain(`is at ${shown()}: 11 jobs, 1 conversations`);
      expectNoSecret(moved.said);
      expect(await digestOf(file)).toBe(digest);
      const sums = "SELECT * FROM longcat_mcp.kept_sums";
      expect(await ask(url, sums)).toEqual([{ owner: "local", bytes: "123" }]);
      expect((await readdir(bench.dataDir)).sort()).toEqual(["jobs.db", "moved"]);
      const after = await told(there());
      // As it was is what the record says once it is back.
      await moves("--undo");
      expect(await digestOf(file)).toBe(digest);
      expect(await told()).toEqual(after);
      expect(after.jobs).toHaveLength(11);
      expect(JSON.stringify(after.jobs)).toContain(picture);
      for (const table of ["jobs", "chat_turns", "kept_sums"]) expect(await count(table)).toBe(0);
    },
  );

  test("with users goes with them, their tokens and the audit log, which nothing is added to", async () => {
    await localInstallation(bench, 16);
    const added = await run(["users", "add", "ann"]);
    const before = await told();
    await moves();
    expect(await told(there())).toEqual(before);
    expect((await run(["users", "list"], there())).stdout).toContain("ann");
    expect(before.audit.trim().split("\n").length).toBeGreaterThan(1);

    const program = bench.launch(["http", "--port", "0"], there());
    const mcp = new URL("/mcp", await listeningUrl(program));
    const status = async (token: string) => {
      const headers = {
        "content-type": "application/json",
        accept: "application/json, text/event-stream",
        authorization: `Bearer ${token}`,
      };
      const body = JSON.stringify({ jsonrpc: "2.0", id: 1, method: "ping" });
      return (await fetch(mcp, { method: "POST", headers, body })).status;
    };
    expect(await status(added.stdout.trim())).not.toBe(401);
    expect(await status("somebody-elses")).toBe(401);
  });

  test("is followed at the database: what was being sent is unknown, and only what never was is sent", async () => {
    await localInstallation(bench, 16);
    const now = Date.now();
    await change(
      bench.dataDir,
      `UPDATE jobs SET created_at = ${now}, updated_at = ${now} WHERE state = 'queued';
       DELETE FROM hosted_files`,
    );
    await moves();
    const { client } = await bench.connect("client 2.x", "stdio", there());
    const state = async (letter: string) =>
      z
        .looseObject({ state: z.string() })
        .parse(JSON.parse((await client.read(`longcat://jobs/job_${letter.repeat(26)}`)).text))
        .state;
    await client.call("job_list", {});
    await vi.waitFor(async () => {
      expect(await state("b")).toBe("unknown");
      expect(["running", "downloading", "completed", "failed"]).toContain(await state("a"));
    }, PATIENTLY);
    expect(bench.posts).toBe(1);
    const asked = bench.sandbox.requests().filter(({ method }) => method === "POST");
    expect(JSON.stringify(asked)).not.toContain("bbbb");

    // Something has become of them there: there is no way back.
    const back = await migrate("--undo");
    expect(back).toMatchObject({ code: 2, stdout: "" });
    expect(back.stderr).toMatch(/Jobs have been followed, made or deleted .* nothing was changed/);
    expect((await run(["jobs"])).code).toBe(2);
    expect(await count("jobs")).toBe(11);
  });
});

describe("a record that has moved", () => {
  test("is used by no command, each of which says where it is; once more moves nothing", async () => {
    await localInstallation(bench, 16);
    await migrate();
    const rows = await ask(url, "SELECT * FROM longcat_mcp.jobs ORDER BY seq");
    const words = ["", "http", "jobs", "users list", "audit", "gallery", "folders"];
    for (const command of words) {
      const { code, stderr } = await run(command.split(" ").filter((word) => word !== ""));
      expect({ command, code }).toEqual({ command, code: 2 });
      expect(stderr).toContain(`has moved to the database ${shown()}`);
      expectNoSecret(stderr);
    }
    const doctor = await run(["doctor"]);
    expect(doctor.code).toBe(1);
    expect(doctor.stdout).toContain(`has moved to the database ${shown()}`);
    const again = await migrate();
    expect(again).toMatchObject({ code: 0, stderr: "" });
    expect(again.stdout).toContain("already; nothing was changed");
    expect(await ask(url, "SELECT * FROM longcat_mcp.jobs ORDER BY seq")).toEqual(rows);
    // What is gone from there is not there, whatever the mark says.
    await ask(url, "UPDATE longcat_mcp.moves SET state = 'undone'");
    const gone = await migrate();
    expect(gone).toMatchObject({ code: 2, stdout: "" });
    expect(gone.stderr).toContain("that database does not have it");
    const elsewhere = await freshDatabase();
    const other = await run(["migrate"], { LONGCAT_MCP_DATABASE_URL: elsewhere });
    expect(other.code).toBe(2);
    expect(other.stderr).toContain(`to ${shown()}, and not to`);
  });

  test("comes back, goes on here, and moves again with what is new", async () => {
    await localInstallation(bench, 16);
    await run(["users", "add", "ann"]);
    await migrate();
    // Halfway back neither has everything.
    await ask(
      url,
      `CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS
         $$ BEGIN RAISE EXCEPTION 'not now'; END $$;
       CREATE TRIGGER refuse BEFORE DELETE ON longcat_mcp.chat_threads EXECUTE FUNCTION refuse()`,
    );
    expect(await migrate("--undo")).toMatchObject({ code: 2, stdout: "" });
    expect((await run(["jobs"])).stderr).toContain("is being moved to the database");
    const forth = await migrate();
    expect(forth).toMatchObject({ code: 2, stdout: "" });
    expect(forth.stderr).toContain("is being taken back: finish that with");
    await ask(url, "DROP FUNCTION refuse CASCADE");
    expect((await migrate("--undo")).stdout).toContain("is in use again");
    expect((await migrate("--undo")).stdout).toContain("has not moved");
    expect(await count("users")).toBe(0);
    expect(await count("closed")).toBe(0);
    const settled = await run(["jobs", "settle", `job_${"h".repeat(26)}`, "charged"]);
    expect(settled.code).toBe(0);
    const before = await told();
    await moves();
    expect(await told(there())).toEqual(before);
  });
});

describe("a move that is cut off", () => {
  test("by a kill leaves both unused, and goes on to the same end", async () => {
    await localInstallation(bench, 16);
    const columns = `owner, operation, base_url, state, charge, created_at, updated_at, media_urls,
      media, warnings, orphaned`;
    await change(
      bench.dataDir,
      `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 600)
         INSERT INTO jobs (job_id, ${columns}) SELECT 'job_' || printf('%026d', i), 'local',
         'z_image_turbo_generate', 'https://gateway.example', 'failed', 'none', i, i, '[]', '[]',
         '[]', 0 FROM n;
       INSERT INTO job_bodies SELECT job_id, '{"prompt":"A cat ' || seq || '"}', NULL FROM jobs
         WHERE job_id NOT IN (SELECT job_id FROM job_bodies)`,
    );
    const program = bench.launch(["migrate", "--to", url]);
    await vi.waitFor(
      async () => {
        const sql = "SELECT 1 FROM longcat_mcp.moved_tables WHERE name = 'jobs'";
        expect(await ask(url, sql)).toHaveLength(1);
      },
      { ...PATIENTLY, interval: 5 },
    );
    // Another one beside it changes nothing, even where the first hangs.
    program.child.kill("SIGSTOP");
    const beside = await migrate();
    expect(beside).toMatchObject({ code: 2, stdout: "" });
    expect(beside.stderr).toMatch(/A longcat-mcp uses .*, hosts that start it and other/);
    await program.kill("SIGKILL");
    // Nor does one that cannot read its copy: it says nothing of what is at the database.
    const [copy, aside] = [join(bench.dataDir, "moving"), join(bench.folder, "aside")];
    await rename(copy, aside);
    await writeFile(copy, "no folder");
    expect(await migrate()).toMatchObject({ code: 2, stdout: "" });
    await rm(copy);
    await rename(aside, copy);
    expect(
      await count("jobs WHERE state NOT IN ('completed', 'failed', 'errored', 'cancelled')"),
    ).toBe(0);
    const refused = await run(["jobs"]);
    expect(refused.code).toBe(2);
    expect(refused.stderr).toContain(`is being moved to the database ${shown()}`);
    await moves();
    expect(await count("jobs")).toBe(611);
    expect(await count("job_words")).toBe(611);
    const after = await told(there());
    await moves("--undo");
    expect(await told()).toEqual(after);
  });
});

describe("whose the jobs become", () => {
  test("is to be said where there are users, and their files lie in that user's folder then", async () => {
    const { picture, bytes } = await localInstallation(bench, 16);
    await run(["users", "add", "ben"], there());
    const unsaid = await migrate();
    expect(unsaid.code).toBe(2);
    expect(unsaid.stderr).toContain("--owner NAME, one of ben");
    const nobody = await migrate("--owner", "bob");
    expect(nobody.code).toBe(2);
    expect(nobody.stderr).toContain('no user "bob"; there are ben');
    // Refused, it is as it was.
    expect((await run(["jobs"])).code).toBe(0);

    const moved = await migrate("--owner", "ben");
    expect(moved.stdout).toContain(`1 files were copied (${bytes.length} bytes)`);
    expect(moved.stdout).toContain("1 files were changed since");
    const [ben] = await ask(url, "SELECT user_id FROM longcat_mcp.users");
    const owners = await ask(url, "SELECT DISTINCT owner FROM longcat_mcp.jobs");
    expect(owners).toEqual([{ owner: ben?.["user_id"] }]);
    const [row] = await ask(url, "SELECT media FROM longcat_mcp.jobs WHERE media <> '[]'");
    const [{ path }] = z
      .tuple([z.looseObject({ path: z.string() })])
      .parse(JSON.parse(String(row?.["media"])));
    expect(path).toContain(`/users/${ben?.["user_id"]}/`);
    expect(await readFile(path)).toEqual(bytes);
    expect(await readFile(picture)).toEqual(bytes);

    expect((await migrate("--undo")).code).toBe(0);
    expect(existsSync(path)).toBe(false);
    expect(await readFile(picture)).toEqual(bytes);
    expect(await count("users")).toBe(1);
    expect(await count("closed")).toBe(1);
  });
});

describe("is refused, and changes nothing,", () => {
  /** Without what the program may leave of its own code wherever it has run. */
  const files = async () => (await readdir(bench.dataDir)).filter((name) => name !== "code-cache");

  test("while a program uses the record", async () => {
    const { client, program } = await bench.connect("client 2.x");
    await client.call("job_list", {});
    const before = await files();
    const refused = await migrate();
    expect(refused.code).toBe(2);
    expect(refused.stderr).toMatch(/A longcat-mcp uses .*jobs\.db: end every one/);
    expect(await files()).toEqual(before);
    await client.call("job_list", {});
    await program.close();
    expect((await migrate()).code).toBe(0);
  });

  test("where both have users, and where an identical call would buy again", async () => {
    await localInstallation(bench, 16);
    await run(["users", "add", "ann"]);
    await run(["users", "add", "ben"], there());
    const two = await migrate("--owner", "ben");
    expect(two).toMatchObject({ code: 2 });
    expect(two.stderr).toContain("two services are not made one");

    url = await freshDatabase();
    await bench.close();
    bench = await Bench.open();
    const { client } = await bench.connect("client 2.x", "stdio", there());
    await client.call("z_image_turbo_generate", { prompt: "A cat", image_size: "square_1_1" });
    await localInstallation(bench, 16);
    await change(bench.dataDir, "UPDATE jobs SET fingerprint = job_id");
    const protectedStill = await migrate();
    expect(protectedStill).toMatchObject({ code: 2 });
    expect(protectedStill.stderr).toMatch(
      /\d+ here still keep an identical call from buying again/,
    );
    expect(await files()).toEqual(["jobs.db"]);
  });

  test("without an address, with a wrong one, and where there is no record", async () => {
    await localInstallation(bench, 16);
    const where = await run(["migrate"]);
    expect(where.code).toBe(2);
    expect(where.stderr).toContain("LONGCAT_MCP_DATABASE_URL_FILE");
    const wrong = new URL(url);
    wrong.password = "quite%20wrong";
    const refused = await run(["migrate", "--to", wrong.href]);
    expect(refused.code).toBe(2);
    expect(refused.stderr).toContain("refuses the password");
    expect(refused.said).not.toMatch(/quite(?:%20| )wrong/);
    expect(await files()).toEqual(["jobs.db"]);
    const empty = { ...there(), LONGCAT_MCP_DATA_DIR: join(bench.folder, "empty") };
    const nothing = await run(["migrate"], empty);
    expect(nothing.code).toBe(2);
    expect(nothing.stderr).toContain("nothing is to be moved");
  });
});
