import { request } from "node:http";
import { end, median, Program, serve } from "./child.ts";

const ROUNDS = 7;
const DEPTH = 100_000;
const KEYS = Array.from({ length: 300_000 }, (_, number) => `"k${number}":1`).join(",");
const LISTS = "[".repeat(DEPTH) + "]".repeat(DEPTH);

/** JSON texts of arguments of `longcat_image_generate`, each of them wrong. */
const ATTACKS = {
  "300,000 unknown arguments": `{${KEYS}}`,
  "a size of 8 MB": `{"prompt":"a","image_size":"${"x".repeat(8_000_000)}"}`,
  "100,000 levels": `{"prompt":"a","image_size":${LISTS}}`,
};

/** Programs that do nothing with a message but read and parse it, over either transport. */
const READERS = {
  stdio: `let pieces = [];
    process.stdin.on("data", (piece) => {
      pieces.push(piece);
      if (piece.at(-1) !== 10) return;
      const { id } = JSON.parse(Buffer.concat(pieces).toString());
      pieces = [];
      process.stdout.write(JSON.stringify({ id }) + "\\n");
    });`,
  http: `const server = require("node:http").createServer((request, response) => {
      const pieces = [];
      request.on("data", (piece) => pieces.push(piece)).on("end", () => {
        JSON.parse(Buffer.concat(pieces).toString());
        response.end();
      });
    });
    server.listen(0, "127.0.0.1", () =>
      process.stderr.write("listens on http://127.0.0.1:" + server.address().port + "/mcp\\n"));`,
};

export interface ArgumentFigures {
  attack: string;
  transport: string;
  refusedMs: number;
  /** What merely reading and parsing the same message takes, over the same transport. */
  readMs: number;
}

/** Calls whose arguments are refused, beside programs that merely read and parse them. */
export async function measureArguments(
  cli: string,
  env: Record<string, string>,
): Promise<ArgumentFigures[]> {
  const program = new Program([cli], env);
  const reader = new Program(["-e", READERS.stdio], env);
  const served = await serve([cli, "http", "--port", "0"], env);
  const serving = await serve(["-e", READERS.http], env);
  try {
    await program.initialize();
    const figures: ArgumentFigures[] = [];
    for (const [attack, args] of Object.entries(ATTACKS)) {
      const params = `{"name":"longcat_image_generate","arguments":${args}}`;
      const body = `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":${params}}`;
      const byLine = (one: Program) => () => one.requestText("tools/call", params);
      const byPost = (url: string) => () => post(url, body);
      figures.push(
        { attack, transport: "stdio", ...(await compared(byLine(program), byLine(reader))) },
        { attack, transport: "HTTP", ...(await compared(byPost(served.url), byPost(serving.url))) },
      );
    }
    return figures;
  } finally {
    await Promise.all([program.end(), reader.end(), end(served.child), end(serving.child)]);
  }
}

/** By turns, so that both meet the same machine. */
async function compared(refused: () => Promise<unknown>, read: () => Promise<unknown>) {
  const [refusedMs, readMs]: [number[], number[]] = [[], []];
  for (let round = 0; round < ROUNDS; round++) {
    readMs.push(await timed(read));
    refusedMs.push(await timed(refused));
  }
  return { refusedMs: median(refusedMs), readMs: median(readMs) };
}

async function timed(run: () => Promise<unknown>): Promise<number> {
  const startedAt = performance.now();
  await run();
  return performance.now() - startedAt;
}

function post(url: string, body: string): Promise<void> {
  const headers = {
    "content-type": "application/json",
    accept: "application/json, text/event-stream",
  };
  return new Promise((resolve, reject) => {
    const sent = request(url, { method: "POST", headers }, (reply) => {
      reply.resume().once("end", resolve);
    });
    sent.once("error", reject).end(body);
  });
}
