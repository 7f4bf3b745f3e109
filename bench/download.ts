import { spawn } from "node:child_process";
import { createHash, randomBytes } from "node:crypto";
import { createWriteStream } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { Transform } from "node:stream";
import { text } from "node:stream/consumers";
import { pipeline } from "node:stream/promises";
import { request } from "undici";
import * as z from "zod";
import { systemClock } from "../src/core/clock.ts";
import { HttpClient } from "../src/gateway/http-client.ts";
import { download } from "../src/media/download.ts";
import { PartialFile } from "../src/media/partial-file.ts";
import { syncFile } from "../src/media/placing.ts";
import { peakBytes } from "./child.ts";

/** As an argument of this program: it fetches files, and tells what that took. */
export const DOWNLOADING = "downloading";

const FILE_BYTES = 10 * 1024 * 1024;
const ROUNDS = 3;

const tookSchema = z.object({ ms: z.number(), peakBytes: z.number() });
type Took = z.output<typeof tookSchema>;

export interface DownloadFigures {
  ours: Took;
  plain: Took;
}

/**
 * Files of 10 MiB at once to disk with sha256, beside a plain `undici` stream and `pipeline`; each
 * in a process of its own, whose memory is theirs alone.
 */
export async function measureDownload(folder: string, files: number): Promise<DownloadFigures> {
  const body = randomBytes(FILE_BYTES);
  const server = createServer((_, outgoing) => {
    outgoing.writeHead(200, { "content-length": body.length }).end(body);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  const origin = `http://127.0.0.1:${port}`;
  try {
    const rounds = { ours: [] as Took[], plain: [] as Took[] };
    for (let round = 0; round < ROUNDS; round++) {
      rounds.plain.push(await inOwnProcess("plain", origin, folder, files));
      rounds.ours.push(await inOwnProcess("ours", origin, folder, files));
    }
    return { ours: fastest(rounds.ours), plain: fastest(rounds.plain) };
  } finally {
    server.closeAllConnections();
    server.close();
  }
}

/** What the process does that {@link measureDownload} starts. */
export async function downloadAll(way: string, origin: string, folder: string, files: number) {
  const http = new HttpClient();
  const options = { http, clock: systemClock, trustedOrigins: [origin] };
  const startedAt = performance.now();
  const run = async (index: number) => {
    const [url, target] = [`${origin}/${index}.bin`, join(folder, `${way}-${index}`)];
    await (way === "ours"
      ? download(new PartialFile(url, target), false, options).then(() => syncFile(target))
      : plainDownload(url, target));
  };
  await Promise.all(Array.from({ length: files }, (_, index) => run(index)));
  const ms = performance.now() - startedAt;
  await http.close();
  console.log(JSON.stringify({ ms, peakBytes: peakBytes(process.pid) }));
}

async function inOwnProcess(
  way: "ours" | "plain",
  origin: string,
  folder: string,
  files: number,
): Promise<Took> {
  const [, program = ""] = process.argv;
  const args = [program, DOWNLOADING, way, origin, folder, String(files)];
  const child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "inherit"] });
  return tookSchema.parse(JSON.parse(await text(child.stdout)));
}

/** The time of the fastest round, and the most memory of any. */
function fastest(rounds: readonly Took[]): Took {
  return {
    ms: Math.min(...rounds.map(({ ms }) => ms)),
    peakBytes: Math.max(...rounds.map(({ peakBytes }) => peakBytes)),
  };
}

async function plainDownload(url: string, target: string): Promise<void> {
  const reply = await request(url);
  const hash = createHash("sha256");
  const hashing = new Transform({
    transform(chunk, _, done) {
      hash.update(chunk);
      done(null, chunk);
    },
  });
  await pipeline(reply.body, hashing, createWriteStream(target));
  hash.digest("hex");
}
