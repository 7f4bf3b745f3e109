import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";

/*
 * Work in processor time: a machine that is busy with something else makes nobody need more of it,
 * and a slow one makes everybody need more.
 */

/** The first readings teach the engine, and say little. */
const READINGS = 5;

/**
 * How long the thread of a program's loop has been at work, in milliseconds.
 * @returns 0 where the system does not tell.
 */
export async function loopMs(pid: number): Promise<number> {
  const path = `/proc/${pid}/schedstat`;
  if (!existsSync(path)) return 0;
  return Number((await readFile(path, "utf8")).split(" ")[0]) / 1_000_000;
}

/** What it takes here to send and read so many bodies of a size and nothing else, in milliseconds. */
export async function readingMs(bodies: number, bytes: number): Promise<number> {
  const server = createServer((request, response) => {
    void text(request).then(({ length }) => response.end(String(length)));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  try {
    const { port } = addressOf(server.address());
    const takes: number[] = [];
    for (let reading = 0; reading < READINGS; reading++) {
      const before = process.cpuUsage();
      for (let at = 0; at < bodies; at++) await send(port, "x".repeat(bytes));
      const { user, system } = process.cpuUsage(before);
      takes.push((user + system) / 1_000);
    }
    return median(takes);
  } finally {
    server.close();
  }
}

async function send(port: number, body: string): Promise<void> {
  const reply = await fetch(`http://127.0.0.1:${port}`, { method: "POST", body });
  if ((await reply.text()) !== String(body.length)) throw new Error("It was not read whole");
}

function addressOf(address: AddressInfo | string | null): AddressInfo {
  if (address === null || typeof address === "string") throw new Error("Nothing listens");
  return address;
}

export function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;
}
