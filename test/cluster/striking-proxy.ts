import { once } from "node:events";
import { connect, createServer, type Socket } from "node:net";
import { JOB_STATES } from "../../src/jobs/job.ts";
import { Frames, Greeting, TYPE_AND_LENGTH } from "./protocol-frames.ts";

/** How a message comes to grief: it never arrives; its answer does not; it arrives much later. */
export const BLOWS = ["lost", "unanswered", "late"] as const;
export type Blow = (typeof BLOWS)[number];

/** Which message comes to grief: the n-th of those that are meant. */
export interface Strike {
  isMeant: (message: string) => boolean;
  nth: number;
  blow: Blow;
  /** After how many other messages a late one arrives; not before it is let go when absent. */
  after?: number | undefined;
}

const READY = 0x5a;
/** Letters of what a statement is made known by. */
const BEFORE = /[PDC]/;
export const WRITES = /\b(?:INSERT|UPDATE|DELETE)\b/;

/** Between one replica and its database: single messages come to grief, exactly as told. */
export class StrikingProxy {
  /** What was asked, in order; to be emptied by whoever reads it. */
  asked: string[] = [];
  readonly #target: URL;
  readonly #links = new Set<Link>();
  readonly #server = createServer((client) => this.#open(client));
  #isShut = false;
  #wanted: (Strike & { left: number }) | undefined;
  #late: { link: Link; left: number } | undefined;
  #hasStruck = false;

  private constructor(url: string) {
    this.#target = new URL(url);
  }

  static async to(url: string): Promise<StrikingProxy> {
    const proxy = new StrikingProxy(url);
    proxy.#server.listen(0, "127.0.0.1");
    await once(proxy.#server, "listening");
    return proxy;
  }

  /** Of the database behind it, in clear. */
  get url(): string {
    const address = this.#server.address();
    const through = new URL(this.#target);
    through.port = String(typeof address === "object" && address ? address.port : 0);
    through.searchParams.set("sslmode", "disable");
    return through.href;
  }

  strike(strike: Strike): void {
    this.#wanted = { ...strike, left: strike.nth };
    this.#hasStruck = false;
  }

  /** Whether the message of the last strike has come. */
  get hasStruck(): boolean {
    return this.#hasStruck;
  }

  /**
   * Lets a message go that is to arrive late, if there is one; from now on nothing is struck.
   * @returns once the server has dealt with it, or had ended its connection.
   */
  async letGo(): Promise<void> {
    this.#wanted = undefined;
    const { link } = this.#late ?? {};
    link?.letGo();
    await link?.isOver;
    this.#late = undefined;
  }

  /** Nobody comes through any more; what is late still arrives. */
  shut(): void {
    this.#isShut = true;
    for (const link of this.#links) if (link !== this.#late?.link) link.end();
  }

  letIn(): void {
    this.#isShut = false;
  }

  async close(): Promise<void> {
    for (const link of this.#links) link.end();
    this.#server.close();
    await once(this.#server, "close");
  }

  #open(client: Socket): void {
    if (this.#isShut) {
      client.destroy();
      return;
    }
    const behind = connect(Number(this.#target.port), this.#target.hostname);
    const link = new Link(client, behind, (message) => this.#blowFor(message, link));
    this.#links.add(link);
    void link.isOver.then(() => this.#links.delete(link));
  }

  #blowFor(message: string, link: Link): Blow | undefined {
    this.asked.push(message);
    if (this.#late && --this.#late.left === 0) this.#late.link.letGo();
    if (!this.#wanted?.isMeant(message) || --this.#wanted.left > 0) return undefined;
    const { blow, after = Number.POSITIVE_INFINITY } = this.#wanted;
    this.#wanted = undefined;
    this.#hasStruck = true;
    if (blow === "late") this.#late = { link, left: after };
    return blow;
  }
}

/** One connection. */
class Link {
  /** Once both sides are closed. */
  readonly isOver: Promise<void>;
  readonly #client: Socket;
  readonly #behind: Socket;
  readonly #blowFor: (message: string) => Blow | undefined;
  readonly #questions = new Questions();
  readonly #answers = new Frames();
  /** Of each question, the greeting as the first, whether its answer is to be lost. */
  readonly #expected: boolean[] = [false];
  #isUnanswered = false;
  #isLate = false;
  readonly #held: Buffer[] = [];
  #over = () => {};

  constructor(client: Socket, behind: Socket, blowFor: (message: string) => Blow | undefined) {
    this.#client = client;
    this.#behind = behind;
    this.#blowFor = blowFor;
    this.isOver = new Promise((resolve) => {
      this.#over = resolve;
    });
    for (const socket of [client, behind]) {
      socket.setNoDelay(true);
      socket.on("error", () => socket.destroy());
    }
    client.on("close", () => {
      if (!this.#isLate) this.end();
    });
    behind.on("close", () => this.end());
    client.on("data", (bytes) => this.#asks(bytes));
    behind.on("data", (bytes) => this.#answersWith(bytes));
  }

  end(): void {
    this.#client.destroy();
    this.#behind.destroy();
    this.#over();
  }

  letGo(): void {
    const held = this.#held.splice(0);
    if (held.length > 0 && !this.#behind.destroyed) this.#behind.write(Buffer.concat(held));
  }

  #asks(bytes: Buffer): void {
    const { rest, frames } = this.#questions.read(bytes);
    const passed = [rest];
    for (const { frame, message, isEnd } of frames) {
      const blow = message === undefined || this.#isLate ? undefined : this.#blowFor(message);
      if (blow === "lost") {
        this.#behind.write(Buffer.concat(passed));
        this.end();
        return;
      }
      if (blow === "unanswered") this.#isUnanswered = true;
      if (blow === "late") this.#isLate = true;
      if (isEnd) {
        this.#expected.push(this.#isUnanswered);
        this.#isUnanswered = false;
      }
      (this.#isLate ? this.#held : passed).push(frame);
    }
    this.#behind.write(Buffer.concat(passed));
    // Whoever waits for it hears at once that it is lost.
    if (this.#isLate && frames.at(-1)?.isEnd) this.#client.destroy();
  }

  #answersWith(bytes: Buffer): void {
    const passed: Buffer[] = [];
    for (const frame of this.#answers.read(bytes)) {
      const isLost = this.#expected[0] === true;
      if (!isLost) passed.push(frame);
      if (frame[0] !== READY) continue;
      this.#expected.shift();
      if (isLost || (this.#isLate && this.#expected.length === 0)) {
        if (!this.#client.destroyed) this.#client.write(Buffer.concat(passed));
        this.end();
        return;
      }
    }
    if (!this.#client.destroyed) this.#client.write(Buffer.concat(passed));
  }
}

/** A piece of what a client says: with a question, what the server is told of it before. */
interface Piece {
  frame: Buffer;
  /** Where a question is asked: its statement, with the states of jobs that it is asked with. */
  message?: string;
  /** Whether the server answers after this. */
  isEnd: boolean;
}

/** What a client asks, in order. */
class Questions {
  readonly #greeting = new Greeting();
  readonly #frames = new Frames();
  readonly #prepared = new Map<string, string>();
  #pending: Buffer[] = [];
  /** Of the transaction that is open: what was written last. */
  #within: string | undefined;

  /** @returns the greeting as it is, and what comes after it. */
  read(bytes: Buffer): { rest: Buffer; frames: Piece[] } {
    const after = this.#greeting.read(bytes);
    const rest = bytes.subarray(0, bytes.length - after.length);
    return { rest, frames: this.#frames.read(after).flatMap((frame) => this.#whole(frame)) };
  }

  /** A question comes as one, though its statement is made known before. */
  #whole(frame: Buffer): Piece[] {
    const piece = this.#piece(frame);
    this.#pending.push(frame);
    if (BEFORE.test(String.fromCharCode(frame[0] ?? 0))) return [];
    const all = Buffer.concat(this.#pending);
    this.#pending = [];
    return [{ ...piece, frame: all }];
  }

  #piece(frame: Buffer): Piece {
    const kind = String.fromCharCode(frame[0] ?? 0);
    const body = frame.subarray(TYPE_AND_LENGTH);
    const [first = "", second = ""] = body.toString("latin1").split("\0");
    if (kind === "P") this.#prepared.set(first, second);
    if (kind === "Q") return { frame, message: this.#message(inShort(first)), isEnd: true };
    if (kind !== "B") return { frame, isEnd: kind === "S" };
    const states = JOB_STATES.filter((one) => valuesOf(body).includes(one));
    const said = [...states, inShort(this.#prepared.get(second) ?? "")].join(" ");
    return { frame, message: this.#message(said), isEnd: false };
  }

  #message(said: string): string {
    const within = this.#within;
    if (/^begin\b/i.test(said)) this.#within = "nothing";
    if (within === undefined) return said;
    if (/^(?:commit|rollback)\b/i.test(said)) {
      this.#within = undefined;
      return `${said} after ${within}`;
    }
    if (WRITES.test(said)) this.#within = said;
    return `within ${said}`;
  }
}

function inShort(statement: string): string {
  return statement.replaceAll(/\s+/g, " ").trim();
}

/** What a statement is given, as texts. */
function valuesOf(body: Buffer): string[] {
  let at = body.indexOf(0, body.indexOf(0) + 1) + 1;
  at += 2 + 2 * body.readInt16BE(at);
  const count = body.readInt16BE(at);
  at += 2;
  const values: string[] = [];
  for (let n = 0; n < count; n++) {
    const length = body.readInt32BE(at);
    at += 4;
    if (length < 0) continue;
    values.push(body.toString("latin1", at, at + length));
    at += length;
  }
  return values;
}
