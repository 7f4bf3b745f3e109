import { createHash, randomUUID } from "node:crypto";
import { join } from "node:path";
import { buffer } from "node:stream/consumers";
import { expect, vi } from "vitest";
import * as z from "zod";
import { UNFINISHED_STATES } from "../../src/jobs/job.ts";
import { mediumSchema } from "../../src/storage/rows/job-rows.ts";
import { textOf } from "../e2e/answers.ts";
import { Bench, PATIENTLY } from "../e2e/harness.ts";
import type { McpClient } from "../e2e/mcp-client.ts";
import { bucketKeyOf } from "../support/bucket-keys.ts";
import { type BucketProxy, bucketProxyTo } from "./bucket-proxy.ts";
import { ask, freshDatabase } from "./fresh-database.ts";
import { type PostgresServer, startPostgres } from "./postgres-server.ts";
import { keysIn, testBucket, testClient } from "./test-bucket.ts";

const START = "z_image_turbo_generate";
const OVER = `state NOT IN (${UNFINISHED_STATES.map((state) => `'${state}'`).join(", ")})`;

const rowSchema = z.object({
  ...{ job_id: z.string(), state: z.string(), charge: z.string(), prompt: z.string() },
  media: z.string().transform((text) => z.array(mediumSchema).parse(JSON.parse(text))),
});
export type RecordedJob = z.output<typeof rowSchema>;

/** What has come of jobs, as somebody would count it who has paid for them. */
export interface Tally {
  jobs: number;
  /** More than one job, or purchase, for one call. */
  doubled: string[];
  /** Not there, or not completed; but for those of which nobody can know whether they were bought. */
  lost: string[];
  /** Recorded as uncertain. */
  unknown: string[];
  /** Without its file, with one that is not whole, or with more than one. */
  short: string[];
}

/**
 * Three replicas on a PostgreSQL of their own and a bucket of a real S3 server that fails as it is
 * told. Two of them stay; the third is another one in each round.
 */
export class ThreeReplicas {
  readonly server: PostgresServer;
  readonly bucket: BucketProxy;
  readonly #bench: Bench;
  readonly #url: string;
  readonly #prefix = randomUUID();
  readonly #steady: McpClient[] = [];
  #count = 0;

  private constructor(bench: Bench, server: PostgresServer, url: string, bucket: BucketProxy) {
    this.#bench = bench;
    this.server = server;
    this.#url = url;
    this.bucket = bucket;
  }

  static async open(): Promise<ThreeReplicas> {
    const server = await startPostgres();
    const url = await freshDatabase(server.url);
    const bucket = await bucketProxyTo(process.env["TEST_MEDIA_URL"] ?? "");
    const replicas = new ThreeReplicas(await Bench.open(), server, url, bucket);
    for (let n = 0; n < 2; n++) replicas.#steady.push((await replicas.start()).client);
    return replicas;
  }

  /** One more, on a machine of its own. @param env for it. */
  async start(env: Record<string, string> = {}) {
    const name = `replica-${this.#count++}`;
    const media = new URL(this.bucket.mediaUrl);
    media.pathname = `${media.pathname}/${this.#prefix}`;
    const { AWS_ACCESS_KEY_ID = "", AWS_SECRET_ACCESS_KEY = "", AWS_SESSION_TOKEN } = process.env;
    return this.#bench.connect("client 2.x", "http", {
      LONGCAT_MCP_DATABASE_URL: this.#url,
      LONGCAT_MCP_MEDIA_URL: media.href,
      ...{ AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY },
      ...(AWS_SESSION_TOKEN === undefined ? {} : { AWS_SESSION_TOKEN }),
      LONGCAT_MCP_DATA_DIR: join(this.#bench.folder, name, "data"),
      LONGCAT_MCP_OUTPUT_DIR: join(this.#bench.folder, name, "out"),
      ...env,
    });
  }

  /** Asks one of those that stay for a picture. */
  begin(prompt: string, n: number) {
    const client = this.#steady[n % this.#steady.length];
    if (!client) throw new Error("No replica stays.");
    return this.beginAt(client, prompt, 0);
  }

  /** @param wait in seconds. */
  beginAt(client: McpClient, prompt: string, wait: number) {
    const key = createHash("sha256").update(prompt).digest("hex").slice(0, 32);
    const picture = { prompt, image_size: "square_1_1", idempotency_key: key };
    return client.call(START, { ...picture, wait_seconds: wait });
  }

  /** As whoever got no answer does: makes each call again at another replica, until one answers. */
  async beginAgain(prompts: readonly string[]): Promise<void> {
    await Promise.all(
      prompts.map((prompt, n) =>
        vi.waitFor(async () => {
          const said = textOf(await this.begin(prompt, n));
          if (!said.includes("job_")) throw new Error(said);
        }, PATIENTLY),
      ),
    );
  }

  async jobsOf(prompts: readonly string[]): Promise<RecordedJob[]> {
    const sql = `SELECT job_id, state, charge, media, prompt FROM longcat_mcp.jobs
      JOIN longcat_mcp.job_bodies USING (job_id) ORDER BY seq`;
    const rows = (await ask(this.#url, sql)).map((row) => rowSchema.parse(row));
    return rows.filter(({ prompt }) => prompts.includes(prompt));
  }

  /** Until no job goes on. */
  async allOver(): Promise<void> {
    const open = `SELECT job_id, state FROM longcat_mcp.jobs WHERE NOT (${OVER})`;
    await vi.waitFor(async () => expect(await ask(this.#url, open)).toEqual([]), PATIENTLY);
  }

  async cutConnections(): Promise<void> {
    await ask(
      this.#url,
      `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
       WHERE datname = current_database() AND pid <> pg_backend_pid()`,
    );
  }

  /** How often the provider was asked for a picture. */
  purchasesOf(prompt: string): number {
    return this.#bench.sandbox
      .requests()
      .filter(({ method, body }) => method === "POST" && JSON.stringify(body)?.includes(prompt))
      .length;
  }

  /** @param isUnknown whether nobody can know of a job with so many purchases if it was bought. */
  async tally(prompts: readonly string[], isUnknown: (bought: number) => boolean): Promise<Tally> {
    const jobs = await this.jobsOf(prompts);
    const keys = await keysIn(testBucket(this.#prefix));
    const tally: Tally = { jobs: prompts.length, doubled: [], lost: [], unknown: [], short: [] };
    for (const prompt of prompts) {
      const [job, ...more] = jobs.filter((one) => one.prompt === prompt);
      const bought = this.purchasesOf(prompt);
      const said = `${prompt} ${job?.state ?? "nothing"}, ${bought} bought`;
      if (more.length > 0 || bought > 1) tally.doubled.push(said);
      if (job?.state === "unknown" && job.charge === "uncertain" && isUnknown(bought)) {
        tally.unknown.push(said);
      } else if (job?.state !== "completed" || job.charge !== "spent" || bought !== 1) {
        tally.lost.push(said);
      } else if (!(await this.#isWhole(job, keys))) tally.short.push(said);
    }
    return tally;
  }

  /** Whether what is recorded of a job's file is there, as it is recorded, and nothing else of it. */
  async #isWhole({ job_id, media }: RecordedJob, keys: readonly string[]): Promise<boolean> {
    const [medium] = media;
    const there = keys.filter((key) => bucketKeyOf(key).job === job_id);
    if (!medium || media.length > 1 || there.length > 1 || there[0] !== medium.path) return false;
    const bytes = await buffer(await testClient(testBucket(this.#prefix)).get(medium.path));
    const digest = createHash("sha256").update(bytes).digest("hex");
    return bytes.length === medium.sizeBytes && digest === medium.sha256;
  }

  async close(): Promise<void> {
    await this.#bench.close();
    await this.bucket.close();
    await this.server.remove();
  }
}
