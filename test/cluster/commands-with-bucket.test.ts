import { randomUUID } from "node:crypto";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { Bench, listeningUrl, PATIENTLY, TEST_KEY } from "../e2e/harness.ts";
import { connectModern } from "../support/http-callers.ts";
import { freshDatabase } from "./fresh-database.ts";
import { keysIn, testBucket } from "./test-bucket.ts";

/* Commands at a desk, where the record is a database and files lie in a bucket. */

let bench: Bench;
let prefix = "";
let env: Record<string, string>;
let secrets: string[] = [];
beforeEach(async () => {
  bench = await Bench.open();
  prefix = randomUUID();
  const { TEST_MEDIA_URL = "", AWS_ACCESS_KEY_ID = "", AWS_SECRET_ACCESS_KEY = "" } = process.env;
  const media = new URL(TEST_MEDIA_URL);
  media.pathname = `${media.pathname}/${prefix}`;
  const url = await freshDatabase();
  env = {
    ...{ LONGCAT_MCP_DATABASE_URL: url, LONGCAT_MCP_MEDIA_URL: media.href },
    ...{ AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY },
  };
  const { password } = new URL(url);
  secrets = [password, decodeURIComponent(password), AWS_SECRET_ACCESS_KEY, TEST_KEY];
});
afterEach(() => bench.close());

/** Runs a command where nothing of the server's disk is. */
async function command(words: readonly string[], more: Record<string, string> = {}) {
  const desk = {
    LONGCAT_MCP_DATA_DIR: join(bench.folder, "desk", "data"),
    LONGCAT_MCP_OUTPUT_DIR: join(bench.folder, "desk", "out"),
  };
  const { code, stdout, stderr } = await bench.run(words, { ...env, ...desk, ...more });
  const said = `${stdout}${stderr}`;
  for (const secret of secrets) expect(said).not.toContain(secret);
  return { code, stdout, stderr };
}

const keys = () => keysIn(testBucket(prefix));
const PICTURE = { prompt: "A lighthouse", image_size: "square_1_1", wait_seconds: 100 };

/** A picture that a server has made for a user, or for nobody in particular. */
async function drawn(token?: string): Promise<string> {
  const program = bench.launch(["http", "--port", "0"], env);
  const headers = token === undefined ? {} : { authorization: `Bearer ${token}` };
  const client = await connectModern(await listeningUrl(program), headers);
  const made = await client.callTool({ name: "z_image_turbo_generate", arguments: PICTURE });
  const text = JSON.stringify(made.content);
  expect(text).toContain(" completed ");
  await client.close();
  return /job_[a-z2-7]{26}/.exec(text)?.[0] ?? "";
}

/** Opens the gallery at the desk, and goes in. */
async function openGallery() {
  const desk = { LONGCAT_MCP_DATA_DIR: join(bench.folder, "desk", "data") };
  const program = bench.launch(["gallery", "--port", "0"], { ...env, ...desk });
  const link = await new Promise<string>((resolve) => {
    program.child.stdout?.once("data", (bytes) => resolve(String(bytes).trim()));
  });
  const entered = await fetch(link);
  const cookie = entered.headers.get("set-cookie")?.split(";")[0] ?? "";
  return (path: string) => fetch(new URL(path, link), { headers: { cookie } });
}

describe("commands where files lie in a bucket", () => {
  test("show jobs with no path, and delete them with their files", async () => {
    const jobId = await drawn();
    expect(await keys()).toHaveLength(1);
    expect((await command(["jobs"])).stdout).toContain(jobId);
    const shown = await command(["jobs", "show", jobId]);
    expect(JSON.parse(shown.stdout)).toMatchObject({
      state: "completed",
      media: [{ path: null, uri: `longcat://media/${jobId}/1` }],
    });
    expect(shown.stdout).not.toContain(bench.folder);
    const exported = await command(["jobs", "export"]);
    expect(JSON.parse(exported.stdout)).toMatchObject([{ media: [{ path: null }] }]);
    expect(exported.stdout).not.toContain(bench.folder);

    const read = await openGallery();
    expect(await (await read("/")).text()).toContain(PICTURE.prompt);
    const small = await read(`/thumbs/${jobId}/1`);
    expect([small.status, small.headers.get("content-type")]).toEqual([200, "image/webp"]);
    const picture = Buffer.from(await (await read(`/pictures/${jobId}/1`)).arrayBuffer());
    expect(picture.subarray(1, 4).toString()).toBe("PNG");
    const before = await keys();
    expect(before).toHaveLength(2);

    const other = await command(["jobs", "delete", "--older-than", "1d", "--files"]);
    expect(other).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/^0 jobs older than 1d/),
    });
    expect(await keys()).toEqual(before);
    const deleted = await command(["jobs", "delete", jobId, "--files"]);
    expect(deleted).toMatchObject({ code: 0, stderr: "" });
    expect(deleted.stdout).not.toContain(prefix);
    expect(await keys()).toEqual([]);
  });

  test("export a user with all files, and erase both", async () => {
    const token = (await command(["users", "add", "anna"])).stdout.trim();
    secrets.push(token);
    const jobId = await drawn(token);
    const to = join(bench.folder, "exported");
    expect(await command(["users", "export", "anna", "--to", to])).toMatchObject({ code: 0 });
    const files = await readdir(to, { recursive: true });
    const [picture = ""] = files.filter((name) => name.endsWith(".png"));
    expect((await readFile(join(to, picture))).subarray(1, 4).toString()).toBe("PNG");
    const refused = await command(["users", "erase", "anna"]);
    expect(refused.code, refused.stderr).toBe(0);
    await vi.waitFor(async () => expect(await keys()).toEqual([]), PATIENTLY);
    expect((await command(["audit"])).stdout).toContain(jobId);
  });

  test("doctor says of the bucket whether it answers, or why not, and of neither what is secret", async () => {
    const line = async (more: Record<string, string> = {}) => {
      const { stdout } = await command(["doctor"], more);
      return stdout.split("\n").filter((one) => / bucket /.test(one));
    };
    expect(await line()).toEqual([
      expect.stringMatching(/^ok +bucket +s3:\/\/\S+ at http\S+: answers$/),
    ]);
    secrets.push("another/secret");
    expect(await line({ AWS_SECRET_ACCESS_KEY: "another/secret" })).toEqual([
      expect.stringMatching(/^FAIL +bucket .*the secret key is wrong/),
    ]);
    const missing = new URL(env["LONGCAT_MCP_MEDIA_URL"] ?? "");
    missing.hostname = "no-such-bucket";
    expect(await line({ LONGCAT_MCP_MEDIA_URL: missing.href })).toEqual([
      expect.stringMatching(/^FAIL +bucket .*there is no such bucket/),
    ]);
    const away = new URL(env["LONGCAT_MCP_MEDIA_URL"] ?? "");
    away.searchParams.set("endpoint", "http://127.0.0.1:1");
    expect(await line({ LONGCAT_MCP_MEDIA_URL: away.href })).toEqual([
      expect.stringMatching(/^FAIL +bucket .*: the connection was refused$/),
    ]);
  });
});

describe("a move to a database and a bucket", () => {
  test("is taken back with the files that were copied", async () => {
    const { client } = await bench.connect("client 2.x", "stdio");
    await client.call("z_image_turbo_generate", PICTURE);
    await client.close();
    await Promise.all(bench.programs.map((program) => program.kill("SIGTERM")));
    const here = { LONGCAT_MCP_DATA_DIR: bench.dataDir, LONGCAT_MCP_OUTPUT_DIR: bench.outputDir };
    const moved = await command(["migrate"], here);
    expect(moved.code, moved.stderr).toBe(0);
    expect(await keys()).toHaveLength(1);
    const back = await command(["migrate", "--undo"], here);
    expect(back.code, back.stderr).toBe(0);
    expect(await keys()).toEqual([]);
    const local = await bench.run(["jobs", "export"]);
    expect(JSON.parse(local.stdout)).toMatchObject([{ state: "completed" }]);
    const [path = ""] = JSON.parse(local.stdout)[0].media.map((one: { path: string }) => one.path);
    expect((await readFile(path)).length).toBeGreaterThan(0);
  });
});
