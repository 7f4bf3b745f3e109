import { createHash, randomBytes } from "node:crypto";
import { createWriteStream } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { Transform } from "node:stream";
import { pipeline } from "node:stream/promises";
import { request } from "undici";
import { systemClock } from "../src/core/clock.ts";
import { HttpClient } from "../src/gateway/http-client.ts";
import { download } from "../src/media/download.ts";

const FILE_BYTES = 10 * 1024 * 1024;
const FILES = 64;
const ROUNDS = 3;

export interface DownloadFigures {
  oursMs: number;
  plainMs: number;
  peakBytes: number;
}

/** 64 files of 10 MiB at once to disk with sha256, beside a plain `undici` stream and `pipeline`. */
export async function measureDownload(folder: string): Promise<DownloadFigures> {
  const body = randomBytes(FILE_BYTES);
  const server = createServer((_, outgoing) => {
    outgoing.writeHead(200, { "content-length": body.length }).end(body);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  const origin = `http://127.0.0.1:${port}`;
  const http = new HttpClient();
  const options = { http, clock: systemClock, trustedOrigins: [origin] };
  let peakBytes = 0;
  const watch = setInterval(() => {
    peakBytes = Math.max(peakBytes, process.memoryUsage().rss);
  }, 20);
  const ours = () =>
    inParallel((i) => download(`${origin}/${i}.bin`, join(folder, `ours-${i}`), false, options));
  const plain = () =>
    inParallel((i) => plainDownload(`${origin}/${i}.bin`, join(folder, `p-${i}`)));
  try {
    let oursMs = Number.POSITIVE_INFINITY;
    let plainMs = Number.POSITIVE_INFINITY;
    for (let round = 0; round < ROUNDS; round++) {
      plainMs = Math.min(plainMs, await plain());
      oursMs = Math.min(oursMs, await ours());
    }
    return { oursMs, plainMs, peakBytes };
  } finally {
    clearInterval(watch);
    await http.close();
    server.closeAllConnections();
    server.close();
  }
}

async function inParallel(run: (index: number) => Promise<unknown>): Promise<number> {
  const startedAt = performance.now();
  await Promise.all(Array.from({ length: FILES }, (_, index) => run(index)));
  return performance.now() - startedAt;
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
