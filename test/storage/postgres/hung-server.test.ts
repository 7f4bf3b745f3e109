import { once } from "node:events";
import { createServer, type Server, type Socket } from "node:net";
import { describe, expect, it, onTestFinished } from "vitest";
import { databaseAddress } from "../../../src/storage/postgres/database-address.ts";
import { AnswerLost } from "../../../src/storage/postgres/database-failures.ts";
import { PostgresConnection } from "../../../src/storage/postgres/postgres-connection.ts";
import { FakeClock } from "../../support/fake-clock.ts";

const SECRET = "never-shown";

function portOf(server: Server): number {
  const address = server.address();
  return typeof address === "object" && address ? address.port : 0;
}

/** Somebody on loopback who takes connections and does this with them. */
async function listening(onConnection: (socket: Socket) => void): Promise<number> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on("error", () => undefined);
    onConnection(socket);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(async () => {
    for (const socket of sockets) socket.destroy();
    server.close();
    await once(server, "close");
  });
  return portOf(server);
}

function connected(port: number) {
  const clock = new FakeClock();
  const url = `postgres://me:${SECRET}@127.0.0.1:${port}/main?sslmode=disable`;
  const address = databaseAddress(url);
  const db = new PostgresConnection({ address, schema: "here", prepares: true, clock });
  onTestFinished(() => db.close());
  /** What came of it, or `undefined` as long as nothing has. */
  const outcomeOf = (work: Promise<unknown>) => {
    let outcome: unknown;
    void work.then(
      (value) => {
        outcome = value;
      },
      (error: unknown) => {
        outcome = error;
      },
    );
    return () => outcome;
  };
  return { db, clock, outcomeOf };
}

/** A port that nobody listens on. */
async function closedPort(): Promise<number> {
  const server = createServer();
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const port = portOf(server);
  server.close();
  await once(server, "close");
  return port;
}

const silent = () => listening((socket) => socket.resume());

describe("a server that takes connections and says nothing", () => {
  it("is given up after eight seconds by whoever reads, in words without secrets", async () => {
    const { db, clock, outcomeOf } = connected(await silent());
    const outcome = outcomeOf(db.all("SELECT 1", []));
    await clock.advance(7_900);
    expect(outcome()).toBeUndefined();
    await clock.advance(200);
    expect(outcome()).toMatchObject({
      code: "storage",
      message: expect.stringMatching(/127\.0\.0\.1:\d+\/main cannot be used.*in time/),
    });
    expect(JSON.stringify(outcome())).not.toContain(SECRET);
    expect(outcome()).not.toBeInstanceOf(AnswerLost);
  });

  it("leaves whoever writes in doubt", async () => {
    const { db, clock, outcomeOf } = connected(await silent());
    const outcome = outcomeOf(db.run("UPDATE jobs SET state = 'x'", []));
    await clock.advance(8_100);
    expect(outcome()).toBeInstanceOf(AnswerLost);
    expect(outcome()).toMatchObject({ code: "storage" });
  });

  it("leaves nobody in doubt whose transaction was not committed", async () => {
    const { db, clock, outcomeOf } = connected(await silent());
    const outcome = outcomeOf(db.transaction((within) => within.run("UPDATE x SET y = 1", [])));
    await clock.advance(8_100);
    expect(outcome()).toMatchObject({ code: "storage" });
    expect(outcome()).not.toBeInstanceOf(AnswerLost);
  });

  it("gets new connections for what is asked then", async () => {
    let connections = 0;
    const port = await listening((socket) => {
      connections++;
      socket.resume();
    });
    const { db, clock, outcomeOf } = connected(port);
    for (const number of [1, 2, 3]) {
      const outcome = outcomeOf(db.all("SELECT 1", []));
      await clock.advance(0);
      await expect.poll(() => connections).toBe(number);
      await clock.advance(8_100);
      expect(outcome()).toMatchObject({ code: "storage" });
    }
  });

  it("holds nothing up that is done while nothing else may be", async () => {
    const { db, clock, outcomeOf } = connected(await silent());
    const outcome = outcomeOf(db.holding("a lock", async () => "done"));
    await clock.advance(59_000);
    expect(outcome()).toBeUndefined();
    await clock.advance(2_000);
    expect(outcome()).toMatchObject({ code: "storage" });
  });
});

describe("a server that is not there", () => {
  it("leaves nobody in doubt: nothing was recorded", async () => {
    const { db } = connected(await closedPort());
    const failure = await db
      .run("UPDATE jobs SET state = 'x'", [])
      .catch((error: unknown) => error);
    expect(failure).toMatchObject({ code: "storage", message: expect.stringMatching(/REFUSED/) });
    expect(failure).not.toBeInstanceOf(AnswerLost);
    expect(String(failure)).not.toContain(SECRET);
  });

  it("is one that ends each connection, which does leave doubt, and is not asked without end", async () => {
    let connections = 0;
    const port = await listening((socket) => {
      connections++;
      socket.destroy();
    });
    const { db, clock, outcomeOf } = connected(port);
    const outcome = outcomeOf(db.run("UPDATE jobs SET state = 'x'", []));
    await expect.poll(() => connections).toBeGreaterThan(2);
    await clock.advance(8_100);
    expect(outcome()).toBeInstanceOf(AnswerLost);
  });

  it("is locked by nobody outside of a transaction", async () => {
    const { db } = connected(await closedPort());
    await expect(db.lock()).rejects.toMatchObject({ code: "internal" });
  });
});
