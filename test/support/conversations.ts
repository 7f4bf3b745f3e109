import { PassThrough, Writable } from "node:stream";
import { Front, type InputListener } from "../../src/front/front.ts";
import type { Prepared } from "../../src/front/prepared.ts";
import { JobEvents } from "../../src/jobs/events.ts";
import { ServerFactory } from "../../src/server.ts";
import type { BegunConversation } from "../../src/transports/begun-conversation.ts";
import { serveOnStdio } from "../../src/transports/stdio.ts";
import { FakeClock } from "./fake-clock.ts";
import { idleToolDeps, silentLog } from "./tool-deps.ts";

/** What a client sends in one piece, or how long it waits, in milliseconds. */
export type Piece = Buffer | number;

/** What a program wrote, line by line, and how many of the lines were written by its front. */
interface Heard {
  lines: string[];
  byFront: number;
}

/** What the program itself says to a client that sends these pieces and goes. */
export async function answersOfProgram(pieces: readonly Piece[], version: string): Promise<Heard> {
  const written: string[] = [];
  const stdin = new PassThrough();
  const ended = serve({ stdin, heard: [] }, version, new FakeClock(), written);
  for (const piece of pieces) if (typeof piece !== "number") stdin.write(piece);
  stdin.end();
  await ended;
  return { lines: linesOf(written), byFront: 0 };
}

/** What it says with its front before it. */
export async function answersWithFront(
  pieces: readonly Piece[],
  version: string,
  prepared: Prepared,
): Promise<Heard> {
  const written: string[] = [];
  const clock = new FakeClock();
  const rest = new PassThrough();
  let byFront: number | undefined;
  let ended: Promise<void> | undefined;
  let listener: InputListener = { onBytes: () => {}, onEnd: () => {} };
  const front = new Front({
    prepared,
    openInput: (given) => {
      listener = given;
      return {
        start() {},
        listen() {},
        handOver(bytes) {
          rest.write(bytes);
          return rest;
        },
      };
    },
    write: (text) => written.push(text),
    clock,
    hasWork: false,
    looksForWork: async () => false,
    handOver: (begun) => {
      byFront = linesOf(written).length;
      ended = serve(begun, version, clock, written);
    },
  });
  front.start();
  for (const piece of pieces) {
    if (typeof piece === "number") await clock.advance(piece);
    else if (ended) rest.write(piece);
    else listener.onBytes(piece);
  }
  if (ended === undefined) listener.onEnd();
  rest.end();
  await ended;
  const lines = linesOf(written);
  return { lines, byFront: byFront ?? lines.length };
}

/** Serves one client in this process, with nothing behind the tools, until it is gone. */
function serve(begun: BegunConversation, version: string, clock: FakeClock, written: string[]) {
  const factory = new ServerFactory({ ...idleToolDeps(), version, events: new JobEvents() });
  const stdout = new Writable({
    decodeStrings: false,
    write(text, _encoding, done) {
      written.push(String(text));
      done();
    },
  });
  return new Promise<void>((resolve) => {
    const { close } = serveOnStdio(factory, {
      ...begun,
      stdout,
      clock,
      log: silentLog,
      onFirstAnswer: () => {},
      onEnd: () => void close().then(resolve),
      onError: () => {},
    });
  });
}

function linesOf(written: readonly string[]): string[] {
  return written
    .join("")
    .split("\n")
    .filter((line) => line !== "");
}
