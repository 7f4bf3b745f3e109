import { request } from "node:http";
import { expect, it, onTestFinished, vi } from "vitest";
import { Connection } from "../../src/storage/sqlite/connection.ts";
import { SqliteJobStore } from "../../src/storage/sqlite/sqlite-job-store.ts";
import { PATIENTLY } from "../e2e/harness.ts";
import { leftJob, recordJob } from "../support/rig.ts";
import { openSharedHouse } from "../support/shared-house.ts";

const BOTH = "application/json, text/event-stream";
const META = {
  "io.modelcontextprotocol/protocolVersion": "2026-07-28",
  "io.modelcontextprotocol/clientInfo": { name: "test", version: "1" },
  "io.modelcontextprotocol/clientCapabilities": {},
};

type Headers = Record<string, string>;
type Message = Record<string, unknown>;

interface Asked {
  method: string;
  path: string;
  headers: Headers;
  messageOf: (id: unknown) => unknown;
}

const asks: [string, Message | undefined][] = [
  ["ping", undefined],
  ["ping", {}],
  ["tools/list", undefined],
  ["tools/list", {}],
  ["tools/list", { cursor: "2" }],
  ["tools/list", { _meta: { progressToken: 7 } }],
  ["prompts/list", {}],
  ["resources/templates/list", {}],
  ["resources/list", {}],
  ["server/discover", {}],
  ["tools/call", { name: "image_models", arguments: {} }],
  ["tools/call", { name: "image_models" }],
  ["tools/call", { name: "image_models", arguments: { operation: "z_image_turbo_generate" } }],
  ["tools/call", { name: "image_models", arguments: { operation: "no_such" } }],
  ["tools/call", { name: "image_models", arguments: [] }],
  ["tools/call", { name: "job_list", arguments: {} }],
  ["tools/call", { name: "no_such" }],
  ["tools/call", {}],
  ["initialize", {}],
  ["no/such", {}],
];

const accepts = [BOTH, "application/json", "text/event-stream", "*/*", ""];
const types = ["application/json", "application/json; charset=utf-8", "text/plain", ""];
const versions = ["2025-06-18", "2025-11-25", "2025-03-26", "2026-07-28", "1999-01-01", ""];
const origins = ["", "http://localhost:3000", "https://evil.example", "null"];
const hosts = ["", "localhost", "evil.example"];
const methods = ["POST", "GET", "DELETE", "PUT"];
const paths = ["/mcp", "/mcp/", "/mcp?a=1"];
const owners = ["Bearer ada", "Bearer ada", "Bearer ben", ""];
const more = [{}, { "mcp-session-id": "s" }, { "last-event-id": "1" }, { via: "1.1 a" }];
const shapes = ["request", "batch", "notification"];

/** As many requests as are wanted, always the same. */
function requests(count: number): Asked[] {
  let seed = 42;
  const choose = <T>(from: readonly T[]): T => {
    seed = (seed * 1_103_515_245 + 12_345) % 2 ** 31;
    const chosen = from[Math.floor((seed / 2 ** 31) * from.length)];
    if (chosen === undefined) expect.unreachable();
    return chosen;
  };
  /** The first of some, nine times of ten. */
  const mostly = <T>(from: readonly T[]): T => {
    const [usual] = from;
    const isUsual = choose([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]) < 10;
    return isUsual && usual !== undefined ? usual : choose(from);
  };
  return Array.from({ length: count }, () => {
    const [method, given] = choose(asks);
    const isModern = choose([true, false]);
    const name = given?.["name"];
    const params = isModern ? { ...given, _meta: META } : given;
    const shape = mostly(shapes);
    const modernHeaders = {
      "mcp-protocol-version": mostly(["2026-07-28", ...versions]),
      "mcp-method": mostly([method, "ping", ""]),
      "mcp-name": mostly([typeof name === "string" ? name : "", "", "image_models"]),
    };
    const headers = {
      accept: mostly(accepts),
      "content-type": mostly(types),
      origin: mostly(origins),
      host: mostly(hosts),
      authorization: choose(owners),
      ...(isModern ? modernHeaders : { "mcp-protocol-version": choose(versions) }),
      ...mostly(more),
    };
    return {
      method: mostly(methods),
      path: mostly(paths),
      headers,
      messageOf: (id) => {
        const message = { jsonrpc: "2.0", id, method, ...(params ? { params } : {}) };
        if (shape === "batch") return [message];
        return shape === "notification" ? { ...message, id: undefined } : message;
      },
    };
  });
}

/** A request and its answer, as they go over the wire; the id in it is called `ID`. */
function ask(
  url: string,
  { method, path, headers, messageOf }: Asked,
  id: unknown,
): Promise<string> {
  const { port } = new URL(url);
  const given = Object.entries(headers).filter(([, value]) => value !== "");
  return new Promise((resolve, reject) => {
    const asking = request(
      { host: "127.0.0.1", port, method, path, headers: Object.fromEntries(given) },
      (response) => {
        const pieces: Buffer[] = [];
        const done = () => {
          const names = ["content-type", "cache-control", "allow", "mcp-session-id", "vary"];
          const seen = names.map((name) => `${name}: ${response.headers[name] ?? "-"}`);
          const body = Buffer.concat(pieces)
            .toString()
            .replaceAll(`"id":${JSON.stringify(id)}`, "ID");
          resolve([response.statusCode, ...seen, body].join("\n"));
        };
        // A stream without an end is one that was opened to listen: what it is stands in its head.
        const isListening = method === "GET" && response.statusCode === 200;
        if (isListening) {
          asking.destroy();
          done();
        }
        response.on("data", (piece: Buffer) => pieces.push(piece)).on("end", done);
      },
    );
    asking.on("error", reject).end(method === "GET" ? undefined : JSON.stringify(messageOf(id)));
  });
}

it("are what the library answers, whatever a request is like, and however often it comes", async () => {
  const [asked, once] = [await openSharedHouse(), await openSharedHouse()];
  onTestFinished(async () => {
    await Promise.all([asked.close(), once.close()]);
  });
  const made = vi.spyOn(asked.factory, "createFor");
  const madeAnew = vi.spyOn(once.factory, "createFor");
  const all = requests(300);
  const rounds: string[][] = [];
  for (const round of [0, 1, 2, 3]) {
    const answers: string[] = [];
    for (const [n, one] of all.entries()) {
      const id = round % 2 === 0 ? `round ${round}, "${n}"` : round * 1_000 + n;
      answers.push(await ask(asked.url, one, id));
    }
    rounds.push(answers);
  }
  const anew: string[] = [];
  for (const [n, one] of all.entries()) anew.push(await ask(once.url, one, `fresh ${n}`));
  for (const answers of rounds) expect(answers).toEqual(anew);
  const good = anew.filter((answer) => answer.startsWith("200") && answer.includes('"result"'));
  expect(good.length).toBeGreaterThan(50);
  // Otherwise nothing was remembered that could have been wrong.
  expect(made.mock.calls.length).toBeLessThan(madeAnew.mock.calls.length * 3);
});

it("tell each caller of what has completed meanwhile, in calls that are else always the same", async () => {
  const house = await openSharedHouse();
  onTestFinished(() => house.close());
  const made = vi.spyOn(house.factory, "createFor");
  const call: Asked = {
    method: "POST",
    path: "/mcp",
    headers: { accept: BOTH, "content-type": "application/json", authorization: "Bearer ada" },
    messageOf: (id) => ({
      ...{ jsonrpc: "2.0", id, method: "tools/call" },
      params: { name: "image_models", arguments: {} },
    }),
  };
  const answers: string[] = [];
  for (let n = 0; n < 5; n++) answers.push(await ask(house.url, call, n));
  expect(new Set(answers).size).toBe(1);
  expect(made.mock.calls.length).toBeLessThan(5);
  const elsewhere = new SqliteJobStore(new Connection(house.dataDir));
  onTestFinished(() => elsewhere.close());
  const left = { baseUrl: "https://gateway.example", state: "completed", charge: "spent" } as const;
  const orphan = leftJob({ ...left, owner: "ada", orphaned: true });
  await recordJob(elsewhere, orphan, "gone");
  const patiently = { ...PATIENTLY, interval: 100 };
  await vi.waitFor(
    async () => expect(await ask(house.url, call, 6)).toContain(orphan.jobId),
    patiently,
  );
  const bens = { ...call, headers: { ...call.headers, authorization: "Bearer ben" } };
  expect(await ask(house.url, bens, 7)).toBe(answers[0]);
  await vi.waitFor(async () => expect(await ask(house.url, call, 8)).toBe(answers[0]), patiently);
});
