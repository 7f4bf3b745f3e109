import { randomUUID } from "node:crypto";
import { mkdir, readFile, rm, truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from "vitest";
import { MOVED_TABLES } from "../../src/moving/moved-tables.ts";
import { Bench, PATIENTLY } from "../e2e/harness.ts";
import { type BucketFault, bucketProxyTo } from "./bucket-proxy.ts";
import { type CuttingProxy, cuttingProxyTo } from "./cutting-proxy.ts";
import { proxyTo } from "./database-proxy.ts";
import { ask, freshDatabase } from "./fresh-database.ts";
import { change, digestOf, localInstallation } from "./local-installation.ts";
import { keysIn, testBucket } from "./test-bucket.ts";

/*
 * A move that is cut off, on its way to the database or to the bucket: it ends with one line, or
 * says why it waits, tells truly where the record is, and comes to the same end when it is made
 * again. Wherever it is cut, by hand: MIGRATE_CUTS=40; with a larger file: MIGRATE_BYTES=1200000000.
 */

const CUTS = Number(process.env["MIGRATE_CUTS"] ?? 1);
const SAMPLE = [
  ["database", true],
  ["bucket", false],
] as const;
const OTHERS = [
  ["database", false],
  ["bucket", true],
] as const;
const LONG_MS = 120_000 + CUTS * 60_000;
/** One goes in parts. */
const FILES = [1_000, Number(process.env["MIGRATE_BYTES"] ?? 17 * 1024 * 1024)] as const;
const JOBS = 700;
const WAITS = /^The bucket for files cannot be used: .* It is tried again for ten minutes/m;

const media = new URL(process.env["TEST_MEDIA_URL"] ?? "s3://none");
let bench: Bench;
let database: CuttingProxy;
let bucket: CuttingProxy;
/** The record as it is before each move. */
let original: Buffer;
/** What comes of a move that nothing cuts, and how many bytes it takes on each way. */
let wanted: unknown;
let bytes: Record<"database" | "bucket", number>;

beforeAll(async () => {
  bench = await Bench.open();
  const server = new URL(await freshDatabase());
  database = await cuttingProxyTo(server.hostname, Number(server.port));
  const endpoint = new URL(media.searchParams.get("endpoint") ?? "");
  bucket = await cuttingProxyTo(endpoint.hostname, Number(endpoint.port));
  await localInstallation(bench, 16);
  await addHistory();
  original = await readFile(join(bench.dataDir, "jobs.db"));
  const place = await nextPlace();
  expect(await migrate(place)).toMatchObject({ code: 0 });
  bytes = { database: database.bytes(), bucket: bucket.bytes() };
  wanted = await arrived(place);
});
afterAll(async () => {
  await database.close();
  await bucket.close();
  await bench.close();
});

/** Enough for several batches, and files. */
async function addHistory(): Promise<void> {
  const folder = join(bench.outputDir, "2026-11-20");
  const made = FILES.map(async (sizeBytes, n) => {
    const path = join(folder, `of-${n}.png`);
    await writeFile(path, `file ${n}`);
    await truncate(path, sizeBytes);
    const about = { url: "https://gateway.example/a", mimeType: "image/png", copies: [] };
    return { index: n + 1, path, ...about, sizeBytes, sha256: await digestOf(path) };
  });
  const columns = `owner, operation, base_url, state, charge, created_at, updated_at, media_urls,
    media, warnings, orphaned`;
  await change(
    bench.dataDir,
    `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ${JOBS})
       INSERT INTO jobs (job_id, ${columns}) SELECT 'job_' || printf('%026d', i), 'local',
       'z_image_turbo_generate', 'https://gateway.example', 'completed', 'none', i, i, '[]', '[]',
       '[]', 0 FROM n;
     INSERT INTO job_bodies SELECT job_id, '{"prompt":"A cat ' || seq || '"}', NULL FROM jobs
       WHERE job_id NOT IN (SELECT job_id FROM job_bodies);
     UPDATE jobs SET media = '${JSON.stringify(await Promise.all(made))}'
       WHERE job_id = 'job_' || printf('%026d', ${JOBS - 50})`,
  );
}

interface Place {
  /** Of the database, past any proxy. */
  url: string;
  prefix: string;
  env: Record<string, string>;
}

/** The record as it was, and where it goes next: a database and a folder of the bucket that are empty. */
async function nextPlace(): Promise<Place> {
  await rm(bench.dataDir, { recursive: true });
  await mkdir(bench.dataDir);
  await writeFile(join(bench.dataDir, "jobs.db"), original);
  const url = await freshDatabase();
  const through = new URL(url);
  through.port = String(database.port);
  const prefix = randomUUID();
  const its = new URL(media);
  its.pathname = `${its.pathname}/${prefix}`;
  its.searchParams.set("endpoint", `http://127.0.0.1:${bucket.port}`);
  database.open();
  bucket.open();
  const { AWS_ACCESS_KEY_ID = "", AWS_SECRET_ACCESS_KEY = "" } = process.env;
  const env = {
    ...{ LONGCAT_MCP_DATABASE_URL: through.href, LONGCAT_MCP_MEDIA_URL: its.href },
    ...{ AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY },
  };
  return { url, prefix, env };
}

/** Everything that has come, but for what each database numbers by itself. */
async function arrived({ url, prefix }: Place): Promise<unknown> {
  const rows: Record<string, unknown> = {};
  for (const { name, columns, isNumbered, numbers = {} } of MOVED_TABLES) {
    const own = columns.filter((one) => !(isNumbered && one === "seq") && !(one in numbers));
    const text = `replace(CAST(ROW(${own.join(", ")}) AS text), '${prefix}', '')`;
    const sql = `SELECT count(*) AS n, md5(string_agg(${text}, ' ' ORDER BY ${text})) AS digest
      FROM longcat_mcp.${name}`;
    rows[name] = await ask(url, sql);
  }
  rows["words"] = await ask(url, "SELECT count(*) AS n FROM longcat_mcp.job_words");
  rows["files"] = (await keysIn(testBucket(prefix))).map((key) => key.replace(prefix, "")).sort();
  return rows;
}

function expectNoSecret(text: string, { url, env }: Place): void {
  const { password } = new URL(url);
  const secrets = [password, decodeURIComponent(password), env["AWS_SECRET_ACCESS_KEY"] ?? ""];
  for (const secret of secrets) expect(text).not.toContain(secret);
}

async function migrate(place: Place) {
  const { code, stdout, stderr } = await bench.run(["migrate"], place.env);
  expectNoSecret(stdout + stderr, place);
  return { code, stdout, stderr };
}

/** Begins a move that waits for the bucket, and hears why. */
async function waiting(place: Place) {
  const program = bench.launch(["migrate"], place.env);
  await vi.waitFor(() => expect(program.stderr).toMatch(WAITS), PATIENTLY);
  expectNoSecret(program.stderr, place);
  return program;
}

/** The mark says what the database says, and nobody uses a record that may be in two places. */
async function expectTruth({ url }: Place): Promise<void> {
  const mark = await readFile(join(bench.dataDir, "moved"), "utf8").catch(() => undefined);
  const states = await ask(url, "SELECT state FROM longcat_mcp.moves").catch(() => []);
  if (mark === undefined) expect(states).toEqual([]);
  if (mark?.includes("state: moved")) expect(states).toEqual([{ state: "done" }]);
  expect((await bench.run(["jobs"])).code).toBe(mark === undefined ? 0 : 2);
}

function expectOneLine({ code, stdout, stderr }: Awaited<ReturnType<typeof migrate>>): void {
  expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
  expect(
    stderr.split("\n").filter((line) => line.startsWith("longcat-mcp: ")),
    stderr,
  ).toHaveLength(1);
}

async function expectSameEnd(place: Place, about: string): Promise<void> {
  expect(await migrate(place), about).toMatchObject({ code: 0 });
  expect(await arrived(place), about).toEqual(wanted);
}

describe("a move that is cut off", { timeout: LONG_MS }, () => {
  test.each(CUTS > 1 ? [...SAMPLE, ...OTHERS] : SAMPLE)(
    "on its way to the %s (for good: %s) comes to the same end",
    async (way, isForGood) => {
      const proxy = { database, bucket }[way];
      for (let n = 1; n <= CUTS; n++) {
        const place = await nextPlace();
        const at = Math.floor((bytes[way] * n) / (CUTS + 1));
        proxy.open(at, isForGood);
        if (way === "bucket" && isForGood) {
          await (await waiting(place)).kill("SIGINT");
        } else {
          const cut = await migrate(place);
          expect(proxy.hasCut()).toBe(true);
          if (cut.code !== 0) expectOneLine(cut);
          if (way === "bucket") expect(cut.code).toBe(0);
          if (isForGood)
            expect(cut.stderr).toMatch(/run the same command again|longcat-mcp migrate/);
        }
        await expectTruth(place);
        proxy.open();
        await expectSameEnd(place, `cut after ${at} of ${bytes[way]} bytes`);
      }
    },
  );

  test("when nobody hears any more that it is done is compared once more, and is done", async () => {
    const place = await nextPlace();
    const proxy = await proxyTo(place.url);
    onTestFinished(() => proxy.close());
    const env = { ...place.env, LONGCAT_MCP_DATABASE_URL: proxy.url };
    proxy.loseAnswer((all) => all.some((one) => one.includes("SET state = 'done'")));
    const cut = await migrate({ ...place, env });
    expect(proxy.hasLost()).toBe(true);
    expectOneLine(cut);
    await expectTruth(place);
    const again = await migrate({ ...place, env });
    expect(again).toMatchObject({ code: 0 });
    expect(again.stderr).toContain(`jobs: ${JOBS + 11} rows, compared`);
    expect(again.stdout).toContain(`: ${JOBS + 11} jobs, 1 conversations`);
    expect(await arrived(place)).toEqual(wanted);
  });

  test.each(["full", "denied"] as const satisfies readonly BucketFault[])(
    "by a bucket that takes nothing (%s) says why, and goes on once it does",
    async (fault) => {
      const place = await nextPlace();
      const proxy = await bucketProxyTo(place.env["LONGCAT_MCP_MEDIA_URL"] ?? "");
      onTestFinished(() => proxy.close());
      const env = { ...place.env, LONGCAT_MCP_MEDIA_URL: proxy.mediaUrl };
      proxy.fail(fault);
      const program = await waiting({ ...place, env });
      expect(program.stderr).toMatch(fault === "full" ? /507 QuotaExceeded/ : /may not do that/);
      proxy.fail();
      expect(await program.exited()).toBe(0);
      expect(await arrived(place)).toEqual(wanted);
    },
  );

  test("by a bucket that is away from the beginning on changes nothing", async () => {
    const place = await nextPlace();
    bucket.open(0, true);
    const refused = await migrate(place);
    expectOneLine(refused);
    expect(refused.stderr).toContain("Nothing was changed");
    await expectTruth(place);
    expect(await ask(place.url, "SELECT 1 FROM longcat_mcp.moves").catch(() => [])).toEqual([]);
  });
});
