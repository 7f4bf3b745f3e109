import { once } from "node:events";
import { connect, createServer, type Socket } from "node:net";
import { Frames, Greeting, TYPE_AND_LENGTH } from "./protocol-frames.ts";

/** Statements that were committed together. */
type Committed = readonly string[];

/** Between a program and its database: what goes wrong between them goes wrong here. */
export interface DatabaseProxy {
  /** Of the database behind it, in clear. */
  url: string;
  /**
   * Of what is committed from now on and is like this, the answer to the n-th does not arrive, and
   * its connection ends.
   */
  loseAnswer(isLikeThis: (statements: Committed) => boolean, nth?: number): void;
  /** Whether that has happened since it was asked for. */
  hasLost(): boolean;
  /** From now on whoever connects or asks is not answered. */
  hang(): void;
  /** Whether somebody has asked since then. */
  hasIgnored(): boolean;
  /** The same, as soon as somebody is in the middle of a question: described, and without its values. */
  hangMidway(): void;
  goOn(): void;
  /** Ends all connections, as a network does. */
  cut(): void;
  close(): Promise<void>;
}

/** Letters of the protocol: a statement is done; the next may come, outside of a transaction. */
const [COMPLETE, READY, IDLE] = [0x43, 0x5a, 0x49];
/** The server has told what values a statement takes. */
const DESCRIBED = 0x74;
const WRITES = /^\s*(?:INSERT|UPDATE|DELETE|WITH)\b/;

export async function proxyTo(url: string): Promise<DatabaseProxy> {
  const target = new URL(url);
  const sockets = new Set<Socket>();
  let isHanging = false;
  let hangsMidway = false;
  let hasIgnored = false;
  let wanted: { isLikeThis: (statements: Committed) => boolean; left: number } | undefined;
  let hasLost = false;

  const mustLose = (statements: Committed) => {
    if (!wanted?.isLikeThis(statements) || --wanted.left > 0) return false;
    wanted = undefined;
    hasLost = true;
    return true;
  };

  const server = createServer((client) => {
    const behind = connect(Number(target.port), target.hostname);
    const asked = new Asked();
    const answers = new Frames();
    let isReady = false;
    let held: Buffer[] = [];
    let inTransaction: string[] = [];
    const end = () => {
      client.destroy();
      behind.destroy();
    };
    for (const socket of [client, behind]) {
      sockets.add(socket);
      socket.setNoDelay(true);
      socket.on("error", end);
      socket.on("close", () => {
        sockets.delete(socket);
        end();
      });
    }
    client.on("data", (bytes) => {
      if (isHanging) {
        hasIgnored = true;
        return;
      }
      asked.read(bytes);
      behind.write(bytes);
    });
    behind.on("data", (bytes) => {
      for (const frame of answers.read(bytes)) {
        if (hangsMidway && frame[0] === DESCRIBED) isHanging = true;
        if (isHanging) continue;
        // What says that something is done waits until it is known whether it is durable.
        if (frame[0] !== READY) {
          if (held.length > 0 || frame[0] === COMPLETE) held.push(frame);
          else client.write(frame);
          continue;
        }
        const statement = isReady ? asked.next() : "";
        isReady = true;
        if (WRITES.test(statement)) inTransaction.push(statement);
        if (frame[TYPE_AND_LENGTH] === IDLE) {
          const committed = inTransaction;
          inTransaction = [];
          if (committed.length > 0 && mustLose(committed)) return end();
        }
        if (!isHanging) client.write(Buffer.concat([...held, frame]));
        held = [];
      }
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  const through = new URL(url);
  through.port = String(typeof address === "object" && address ? address.port : 0);
  through.searchParams.set("sslmode", "disable");
  const cut = () => {
    for (const socket of sockets) socket.destroy();
  };
  return {
    url: through.href,
    loseAnswer(isLikeThis, nth = 1) {
      wanted = { isLikeThis, left: nth };
      hasLost = false;
    },
    hasLost: () => hasLost,
    hang() {
      isHanging = true;
      hasIgnored = false;
    },
    hasIgnored: () => hasIgnored,
    hangMidway() {
      hangsMidway = true;
    },
    goOn() {
      isHanging = false;
      hangsMidway = false;
      cut();
    },
    cut,
    async close() {
      cut();
      server.close();
      await once(server, "close");
    },
  };
}

/** What a client asks, in order. */
class Asked {
  readonly #frames = new Frames();
  readonly #prepared = new Map<string, string>();
  readonly #waiting: string[] = [];
  readonly #greeting = new Greeting();
  #bound = "";

  read(bytes: Buffer): void {
    for (const frame of this.#frames.read(this.#greeting.read(bytes))) {
      const kind = String.fromCharCode(frame[0] ?? 0);
      const [first = "", second = ""] = frame
        .subarray(TYPE_AND_LENGTH)
        .toString("utf8")
        .split("\0");
      if (kind === "P") this.#prepared.set(first, second);
      else if (kind === "B") this.#bound = this.#prepared.get(second) ?? "";
      else if (kind === "Q") this.#waiting.push(first);
      else if (kind === "S") this.#waiting.push(this.#bound);
    }
  }

  next(): string {
    return this.#waiting.shift() ?? "";
  }
}
