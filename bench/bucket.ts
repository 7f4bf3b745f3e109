/*
 * Files from a provider through to a bucket, against a plain `undici` that hands each answer on as
 * the body of a PUT. Run by hand: `node scripts/run-ts.mjs bench/bucket.ts`, on an S3 server of its
 * own or on TEST_MEDIA_URL.
 */
import { spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { request } from "undici";
import * as z from "zod";
import { systemClock } from "../src/core/clock.ts";
import { newJobId } from "../src/core/ids.ts";
import { LOCAL_OWNER } from "../src/core/owner.ts";
import { BucketClient } from "../src/gateway/bucket-client.ts";
import { BucketSigner } from "../src/gateway/bucket-signer.ts";
import { HttpClient } from "../src/gateway/http-client.ts";
import { BucketStore } from "../src/media/bucket-store.ts";
import { fetchFile } from "../src/media/fetch-file.ts";
import { PartialFile } from "../src/media/partial-file.ts";
import { startSwift } from "../test/cluster/swift-server.ts";
import { testBucket } from "../test/cluster/test-bucket.ts";
import { peakBytes } from "./child.ts";

const FILES = 64;
const FILE_BYTES = 10 * 1024 * 1024;
const ROUNDS = 3;
const TYPE = "application/octet-stream";

const tookSchema = z.object({ ms: z.number(), peakBytes: z.number() });
type Took = z.output<typeof tookSchema>;
type Way = "ours" | "plain";

const [way, origin = ""] = process.argv.slice(2);
if (way === "ours") await measured(() => ours(origin));
else if (way === "plain") await measured(() => plain(origin));
else await compare();

async function compare(): Promise<void> {
  const swift = process.env["TEST_MEDIA_URL"] === undefined ? await startSwift() : undefined;
  const body = randomBytes(FILE_BYTES);
  const provider = createServer((_, outgoing) => {
    outgoing.writeHead(200, { "content-length": body.length }).end(body);
  });
  await new Promise<void>((resolve) => provider.listen(0, "127.0.0.1", resolve));
  const { port } = provider.address() as AddressInfo;
  const env = swift && {
    TEST_MEDIA_URL: swift.mediaUrl,
    AWS_ACCESS_KEY_ID: swift.keys.accessKeyId,
    AWS_SECRET_ACCESS_KEY: swift.keys.secretAccessKey,
  };
  try {
    const rounds: Record<Way, Took[]> = { ours: [], plain: [] };
    for (let round = 0; round < ROUNDS; round++) {
      for (const one of ["plain", "ours"] as const) {
        rounds[one].push(await inOwnProcess(one, `http://127.0.0.1:${port}`, env));
      }
    }
    const fastest = (all: readonly Took[]) => Math.min(...all.map(({ ms }) => ms));
    const most = (all: readonly Took[]) => Math.max(...all.map((one) => one.peakBytes)) / 1e6;
    const [own, bare] = [fastest(rounds.ours), fastest(rounds.plain)];
    console.log(`| ${FILES} × 10 MiB from a provider to a bucket | |`);
    console.log("| --- | --- |");
    console.log(`| against plain \`undici\`, ≥ 0.7 | ${(bare / own).toFixed(2)} |`);
    console.log(`| time | ${own.toFixed(0)} ms against ${bare.toFixed(0)} ms |`);
    console.log(
      `| most memory, ≤ 250 MB | ${most(rounds.ours).toFixed(0)} MB against ${most(rounds.plain).toFixed(0)} MB |`,
    );
    if (!(bare / own >= 0.7 && most(rounds.ours) <= 250)) process.exitCode = 1;
  } finally {
    provider.closeAllConnections();
    provider.close();
    await swift?.remove();
  }
}

async function inOwnProcess(
  one: Way,
  from: string,
  env: Record<string, string> | undefined,
): Promise<Took> {
  const [, program = ""] = process.argv;
  const child = spawn(process.execPath, [program, one, from], {
    stdio: ["ignore", "pipe", "inherit"],
    env: { ...process.env, ...env },
  });
  return tookSchema.parse(JSON.parse(await text(child.stdout)));
}

/** What a process does, and what that takes. */
async function measured(work: () => Promise<void>): Promise<void> {
  const startedAt = performance.now();
  await work();
  const ms = performance.now() - startedAt;
  console.log(JSON.stringify({ ms, peakBytes: peakBytes(process.pid) }));
  process.exit();
}

/** As jobs are collected. */
async function ours(from: string): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), "longcat-bucket-"));
  const http = new HttpClient();
  const client = new BucketClient({ http, clock: systemClock, ...testBucket("ours") });
  const store = new BucketStore({
    ...{ client, clock: systemClock, draftsDir: folder, homeOwner: LOCAL_OWNER, hasLinks: true },
  });
  const options = {
    ...{ media: store, http, clock: systemClock, trustedOrigins: [from] },
    reached: () => {},
  };
  await eachFile(async (index) => {
    const whose = { owner: LOCAL_OWNER, jobId: newJobId(), index, createdAt: 0 };
    const naming = { ...whose, operation: "bench", words: "a file" };
    const partial = new PartialFile(`${from}/${index}`, store.newDraft(naming));
    await fetchFile(partial, { naming, weights: false, isFirstTry: true }, options);
  });
  await rm(folder, { recursive: true });
}

async function plain(from: string): Promise<void> {
  const { address, keys } = testBucket("plain");
  const signer = new BucketSigner(address, keys);
  await eachFile(async (index) => {
    const { body } = await request(`${from}/${index}`);
    const key = `plain/${index}.bin`;
    const put = {
      ...{ method: "PUT" as const, key, headers: { "content-type": TYPE } },
      sha256: "UNSIGNED-PAYLOAD",
    };
    const { url, headers } = await signer.sign(put, Date.now());
    const reply = await request(url, {
      method: "PUT",
      headers: { ...headers, "content-length": String(FILE_BYTES) },
      body,
    });
    await reply.body.dump();
    if (reply.statusCode !== 200) throw new RangeError(`the bucket answered ${reply.statusCode}`);
  });
}

function eachFile(work: (index: number) => Promise<void>): Promise<unknown> {
  return Promise.all(Array.from({ length: FILES }, (_, index) => work(index)));
}
