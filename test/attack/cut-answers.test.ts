import type { Socket } from "node:net";
import { describe, expect, it } from "vitest";
import { ACCEPTED, client, generate, ID, queued, R4, wire } from "../support/image-gateway.ts";
import { tcpServer } from "../support/raw-server.ts";

const HEAD = "content-type: application/json\r\n";

/** How the end of an answer is told, each with a whole answer. */
const FRAMINGS = {
  "its length": (status: string, body: string) =>
    `HTTP/1.1 ${status}\r\n${HEAD}content-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
  chunks: (status: string, body: string) =>
    `HTTP/1.1 ${status}\r\n${HEAD}transfer-encoding: chunked\r\n\r\n${Buffer.byteLength(body).toString(16)}\r\n${body}\r\n0\r\n\r\n`,
  "the connection's end": (status: string, body: string) =>
    `HTTP/1.1 ${status}\r\n${HEAD}connection: close\r\n\r\n${body}`,
};

const ENDS = {
  closed: (socket: Socket) => void socket.end(),
  reset: (socket: Socket) => void socket.resetAndDestroy(),
};

/** A gateway that says so much of an answer to each purchase as that asks for, and then no more. */
async function gatewayThatStops(whole: string, end: (socket: Socket) => void) {
  const server = await tcpServer((socket) => {
    let asked = "";
    socket.on("data", (bytes) => {
      asked += bytes.toString("latin1");
      const count = /"prompt":"(\d+)"/.exec(asked)?.[1];
      if (count === undefined) return;
      if (count === "0") end(socket);
      else socket.write(whole.slice(0, Number(count)), () => end(socket));
    });
  });
  const gateway = client(server.origin);
  return {
    /** What comes of a purchase after each number of bytes, all of which is asked for once. */
    async outcomes(one = queued) {
      const asked = Array.from({ length: whole.length + 1 }, (_, bytes) =>
        gateway.submit(one, { ...wire, prompt: String(bytes) }),
      );
      const outcomes = await Promise.all(asked);
      expect(server.connections).toBe(outcomes.length);
      return outcomes.map((outcome, bytes) => ({ outcome, bytes, said: whole.slice(0, bytes) }));
    },
  };
}

describe.each(Object.entries(ENDS))("an answer whose connection is %s", (_end, end) => {
  it.each(Object.entries(FRAMINGS))(
    "after any byte, its end told by %s, is in doubt or whole, and asked for once",
    async (_framing, framed) => {
      const body = JSON.stringify(ACCEPTED);
      const whole = framed("202 Accepted", body);
      const gateway = await gatewayThatStops(whole, end);
      for (const { outcome, bytes, said } of await gateway.outcomes()) {
        if (bytes < whole.indexOf(body) + body.length) {
          expect(outcome, said).toMatchObject({ kind: "uncertain" });
        } else if (outcome.kind !== "uncertain") {
          expect(outcome).toEqual({ kind: "accepted", requestId: ID });
        }
      }
    },
  );

  it("after any byte of one with pictures, is in doubt or whole", async () => {
    const whole = FRAMINGS["the connection's end"]("200 OK", JSON.stringify(R4));
    const gateway = await gatewayThatStops(whole, end);
    for (const { outcome, bytes, said } of await gateway.outcomes(generate)) {
      const may = ["uncertain", "empty", ...(bytes === whole.length ? ["finished"] : [])];
      expect(may, said).toContain(outcome.kind);
    }
  });

  it("after any byte of a refusal, is a refusal only where it was said that it is one", async () => {
    const whole = FRAMINGS["its length"]("429 Too Many Requests", '{"error":"Too many"}');
    const head = whole.indexOf("\r\n\r\n") + 4;
    const gateway = await gatewayThatStops(whole, end);
    for (const { outcome, bytes, said } of await gateway.outcomes()) {
      const may = ["uncertain", ...(bytes < head ? [] : ["not_taken"])];
      expect(may, said).toContain(outcome.kind);
    }
  });
});

it("an answer that is given twice, or followed by another, counts once", async () => {
  const one = FRAMINGS["its length"]("202 Accepted", JSON.stringify(ACCEPTED));
  for (const other of [one, one.replace(ID, `${ID.slice(0, -1)}1`)]) {
    const gateway = await gatewayThatStops(one + other, ENDS.closed);
    for (const { outcome, bytes, said } of await gateway.outcomes()) {
      if (bytes < one.length) expect(outcome, said).toMatchObject({ kind: "uncertain" });
      else expect(outcome, said).toEqual({ kind: "accepted", requestId: ID });
    }
  }
});
