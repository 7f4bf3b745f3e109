import { existsSync } from "node:fs";
import { readdir, readFile } from "node:fs/promises";
import { connect, type Socket } from "node:net";
import { resolve } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { Bench, listeningUrl } from "../e2e/harness.ts";
import { loopMs, median, readingMs } from "../support/processor-time.ts";
import { freePortPair } from "../support/tunnel.ts";
import { MESSAGES, PACKETS, posted } from "./hostile.ts";

/*
 * A thousand hostile requests over each transport, a wave of one kind at a time. Among those of each
 * wave go pings, which must all be answered, and no kind may keep the server's one loop to itself.
 * That is counted in processor time of its thread, in which waiting for a busy machine has no part,
 * and against what plain reading of the largest bodies takes this machine in this run.
 */

const AT_ONCE = 5;
const REQUESTS = 1_000;
/** What is in use after so many is what is usual. */
const FIRST = 100;
/** No wave may cost more than plainly reading as many bodies of this size, by far the largest of all. */
const LARGEST_BYTES = 17 * 1024 * 1024;
const GROWTH = 1.5;
/** How often it is looked whether what was taken has been given back, with pings in between. */
const LOOKS = 200;
const TIMEOUT_MS = 600_000;

const QUIET = {
  LONGCAT_MCP_LOG_LEVEL: "silent",
  // What is garbage is no leak.
  NODE_OPTIONS: `--require ${resolve(import.meta.dirname, "../support/collect-garbage.cjs")}`,
};

type Attack = (turn: number) => Promise<void>;

interface Victim {
  pid: number;
  kinds: Readonly<Record<string, Attack>>;
  /** Resolves with its answer. */
  ping(): Promise<void>;
  /** Ends what is half open. */
  letGo(): void;
}

let bench: Bench;
beforeEach(async () => {
  bench = await Bench.open();
});
afterEach(() => bench.close());

test("over HTTP", { timeout: TIMEOUT_MS }, async () => {
  await attack(await httpVictim());
  expect(bench.posts).toBe(0);
});

test("over stdio", { timeout: TIMEOUT_MS }, async () => {
  await attack(await stdioVictim());
  expect(bench.posts).toBe(0);
});

async function attack(victim: Victim): Promise<void> {
  const costs = new Map<string, number[]>();
  const names = Object.keys(victim.kinds);
  let sent = 0;
  const wave = async (name: string) => {
    const before = await loopMs(victim.pid);
    const replies: Promise<void>[] = [];
    for (let at = 0; at < AT_ONCE; at++, sent++) {
      replies.push(victim.kinds[name]?.(sent) ?? Promise.resolve(), victim.ping());
    }
    await Promise.all(replies);
    // What was only written is read before what comes after it.
    await victim.ping();
    return (await loopMs(victim.pid)) - before;
  };
  let before: Awaited<ReturnType<typeof resourcesOf>>;
  while (sent < REQUESTS) {
    for (const name of names) {
      costs.set(name, [...(costs.get(name) ?? []), await wave(name)]);
      if (sent === FIRST) {
        victim.letGo();
        before = await resourcesOf(victim);
      }
    }
    victim.letGo();
  }

  const bound = await readingMs(AT_ONCE, LARGEST_BYTES);
  for (const name of names) {
    const cost = median(costs.get(name) ?? []);
    expect(cost, `ms of the loop for a wave of "${name}"`).toBeLessThanOrEqual(bound);
  }
  victim.letGo();
  await givenBack(victim, before);
}

/** Where the system tells: memory and open files, when nothing is under way any more. */
async function resourcesOf(victim: Victim) {
  process.kill(victim.pid, "SIGUSR2");
  for (let at = 0; at < 20; at++) await victim.ping();
  return look(victim.pid);
}

async function givenBack(victim: Victim, before: Awaited<ReturnType<typeof look>>) {
  let now = await resourcesOf(victim);
  if (!before || !now) return;
  const isBack = () =>
    now !== undefined && now.files <= before.files && now.memory <= GROWTH * before.memory;
  for (let looks = 0; !isBack() && looks < LOOKS; looks++) {
    now = await resourcesOf(victim);
  }
  expect(now?.files, "open files").toBeLessThanOrEqual(before.files);
  expect((now?.memory ?? 0) / before.memory, "memory").toBeLessThanOrEqual(GROWTH);
}

/** @returns `undefined` where the system does not tell. */
async function look(pid: number): Promise<{ files: number; memory: number } | undefined> {
  if (!existsSync(`/proc/${pid}/fd`)) return undefined;
  const files = (await readdir(`/proc/${pid}/fd`)).length;
  const status = await readFile(`/proc/${pid}/status`, "utf8");
  return { files, memory: Number(/VmRSS:\s+(\d+)/.exec(status)?.[1]) };
}

async function httpVictim(): Promise<Victim> {
  const port = await freePortPair();
  const program = bench.launch(["http", "--port", String(port)], {
    LONGCAT_MCP_PUBLIC_URL: `http://127.0.0.1:${port + 1}`,
    ...QUIET,
  });
  const url = await listeningUrl(program);
  const halfOpen: Socket[] = [];
  const say = async ({ packet, isAnswered, isPublic }: ReturnType<(typeof PACKETS)[string]>) => {
    const socket = connect(isPublic ? port + 1 : port, "127.0.0.1");
    socket.on("error", () => {});
    if (!isAnswered) socket.resume();
    socket.write(packet);
    if (!isAnswered) return void halfOpen.push(socket);
    await new Promise<void>((resolve) => {
      socket.once("close", () => resolve());
      // A streamed answer ends before its connection does.
      let tail = "";
      socket.on("data", (chunk) => {
        tail = (tail + chunk.toString("latin1")).slice(-8);
        if (tail.endsWith("\r\n0\r\n\r\n")) socket.destroy();
      });
    });
  };
  const packets = Object.entries(PACKETS).map(([name, make]): [string, Attack] => [
    name,
    (turn) => say(make(turn)),
  ]);
  const messages = Object.entries(MESSAGES).map(([name, make]): [string, Attack] => [
    `body: ${name}`,
    (turn) => say(posted(make(turn))),
  ]);
  return {
    pid: program.child.pid ?? 0,
    // By turns, so that the first hundred are of both.
    kinds: Object.fromEntries(messages.flatMap((one, at) => [one, ...packets.slice(at, at + 1)])),
    async ping() {
      const reply = await fetch(url, {
        method: "POST",
        headers: {
          "content-type": "application/json",
          accept: "application/json, text/event-stream",
        },
        body: JSON.stringify({ jsonrpc: "2.0", id: 1, method: "ping" }),
      });
      expect(await reply.text()).toContain('"result"');
    },
    letGo: () => {
      for (const socket of halfOpen.splice(0)) socket.destroy();
    },
  };
}

async function stdioVictim(): Promise<Victim> {
  const { client, program } = await bench.connect("sdk 1.x", "stdio", QUIET);
  // The store opens right after the first answer, and its files stay open.
  await client.call("job_list", {});
  const { stdin, stdout } = program.child;
  const waiting = new Map<string, () => void>();
  let rest = "";
  stdout?.on("data", (chunk) => {
    const lines = (rest + String(chunk)).split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) {
      const id = /"id":"(ping-\d+)"/.exec(line)?.[1] ?? "";
      waiting.get(id)?.();
      waiting.delete(id);
    }
  });
  const write = (line: string) =>
    new Promise<void>((resolve) => stdin?.write(`${line}\n`, () => resolve()));
  let pings = 0;
  return {
    pid: program.child.pid ?? 0,
    kinds: Object.fromEntries(
      Object.entries(MESSAGES).map(([name, make]): [string, Attack] => [
        name,
        (turn) => write(make(turn)),
      ]),
    ),
    async ping() {
      const id = `ping-${pings++}`;
      const answered = new Promise<void>((resolve) => waiting.set(id, resolve));
      await write(JSON.stringify({ jsonrpc: "2.0", id, method: "ping" }));
      await answered;
    },
    letGo: () => {},
  };
}
