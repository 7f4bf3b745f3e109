import { randomUUID } from "node:crypto";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { finished, jobIdOf, textOf } from "../e2e/answers.ts";
import { Bench, listeningUrl, PATIENTLY, TEST_KEY } from "../e2e/harness.ts";
import type { McpClient } from "../e2e/mcp-client.ts";
import { freePort } from "../support/free-port.ts";
import { type BucketProxy, bucketProxyTo } from "./bucket-proxy.ts";

/* The built program, whose bucket fails at the start or while it runs. */

let bench: Bench;
let proxy: BucketProxy;
let env: Record<string, string>;
beforeEach(async () => {
  // Some seconds from a start to its files: time for a bucket to fail meanwhile.
  bench = await Bench.open({ speed: 2 });
  const { TEST_MEDIA_URL = "", AWS_ACCESS_KEY_ID = "", AWS_SECRET_ACCESS_KEY = "" } = process.env;
  const url = new URL(TEST_MEDIA_URL);
  url.pathname = `${url.pathname}/${randomUUID()}`;
  proxy = await bucketProxyTo(url.href);
  env = { LONGCAT_MCP_MEDIA_URL: proxy.mediaUrl, AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY };
});
afterEach(async () => {
  await bench.close();
  await proxy.close();
});

const START = "z_image_turbo_generate";
const picture = (prompt: string) => ({ prompt, image_size: "square_1_1", wait_seconds: 0 });
const ready = async (origin: URL) => {
  const reply = await fetch(new URL("/readyz", origin));
  return { status: reply.status, text: await reply.text() };
};
/** Nothing of the keys and nothing of the bucket's place is for callers or anybody else. */
const isDiscreet = (text: string) => {
  for (const secret of [env["AWS_SECRET_ACCESS_KEY"] ?? "", TEST_KEY, "X-Amz-Signature"]) {
    expect(text).not.toContain(secret);
  }
};

describe("a bucket that cannot be used when the program starts", () => {
  test.each(["503", "hangs"] as const)(
    "(%s) is told of by /readyz and on stderr, buys nothing, and is used once it can be",
    async (fault) => {
      proxy.fail(fault);
      const port = await freePort();
      const { client, program } = await bench.connect("client 2.x", "http", {
        ...{ ...env, LONGCAT_MCP_PORT: String(port) },
      });
      const origin = await listeningUrl(program);
      expect(program.stderr).toMatch(
        /^longcat-mcp: The bucket s3:\S+ at http:\S+ cannot be used: /m,
      );
      await vi.waitFor(async () => {
        const { status, text } = await ready(origin);
        expect([status, text]).toEqual([503, expect.stringContaining("The bucket for files")]);
      }, PATIENTLY);
      expect((await fetch(new URL("/healthz", origin))).status).toBe(200);
      const refused = await client.call(START, picture("Nowhere to lie"));
      expect(refused.isError).toBe(true);
      expect(textOf(refused)).toMatch(/^storage: The bucket for files cannot be used/);
      expect(bench.posts).toBe(0);
      proxy.fail();
      await vi.waitFor(async () => expect((await ready(origin)).status).toBe(200), PATIENTLY);
      const started = await client.call(START, picture("Somewhere to lie"));
      expect(textOf(await finished(client, jobIdOf(started)))).toContain(" completed ");
      isDiscreet(`${program.stderr}${textOf(refused)}`);
    },
  );
});

describe("a bucket that fails while a picture is on its way", () => {
  /** A job that is under way at the provider when the bucket begins to fail. */
  async function cutShort(client: McpClient, fault: Parameters<BucketProxy["fail"]>[0]) {
    const jobId = jobIdOf(await client.call(START, picture(`In spite of ${fault}`)));
    expect(jobId).not.toBe("");
    proxy.fail(fault);
    await vi.waitFor(() => expect(proxy.failures()).toBeGreaterThan(0), PATIENTLY);
    return jobId;
  }
  const status = async (client: McpClient, jobId: string) =>
    textOf(await client.call("job_status", { job_id: jobId, wait_seconds: 0 }));

  test("with errors, silence or no room is waited for, which is said, and nothing is bought twice", async () => {
    const { client, program } = await bench.connect("client 2.x", "stdio", env);
    let bought = 0;
    for (const fault of ["500", "503", "full", "hangs"] as const) {
      const jobId = await cutShort(client, fault);
      if (fault !== "hangs") {
        await vi.waitFor(
          async () =>
            expect(await status(client, jobId)).toMatch(/The bucket for files cannot be used: /),
          PATIENTLY,
        );
        // Nothing more is bought for it, though a full bucket answers whoever asks.
        await vi.waitFor(async () => {
          const refused = await client.call(START, { ...picture("Not now"), dry_run: true });
          expect(textOf(refused)).toMatch(/The bucket for files cannot be used/);
        }, PATIENTLY);
      }
      proxy.fail();
      expect(textOf(await finished(client, jobId))).toContain(" completed ");
      expect(bench.posts).toBe(++bought);
    }
    isDiscreet(program.stderr);
  });

  test("that refuses the keys from then on fails the job at once, and says where its file is and how to have it", async () => {
    const { client, program } = await bench.connect("client 2.x", "stdio", env);
    const jobId = await cutShort(client, "refused");
    const failed = textOf(await finished(client, jobId));
    expect(failed).toMatch(/failed/);
    expect(failed).toMatch(/the secret key is wrong/);
    expect(failed).toContain(`\`job_status\` with job_id "${jobId}" and \`redownload: true\``);
    const [served = ""] = /http\S+output\.png/.exec(failed) ?? [];
    expect((await fetch(served)).headers.get("content-type")).toBe("image/png");
    const refused = await client.call(START, picture("No other is begun"));
    expect(textOf(refused)).toMatch(/^configuration: The bucket for files cannot be used/);
    expect(bench.posts).toBe(1);
    proxy.fail();
    const next = await client.call(START, picture("Until the keys are right"));
    expect(textOf(await finished(client, jobIdOf(next)))).toContain(" completed ");
    // Whoever has the right keys fetches what was paid for, also after the restart that they take.
    await client.close();
    const { client: mended } = await bench.connect("client 2.x", "stdio", env);
    const look = { job_id: jobId, wait_seconds: 100, redownload: true };
    const fetched = await mended.call("job_status", look);
    expect(textOf(fetched)).toContain(" completed ");
    expect((await mended.read(`longcat://media/${jobId}/1`)).bytes.length).toBeGreaterThan(0);
    expect(bench.posts).toBe(2);
    isDiscreet(program.stderr);
  });
});
