/* What a hostile program sends to a server of this kind, over either transport. */

const call = (name: unknown, args: unknown, id: unknown = "hostile") =>
  JSON.stringify({ jsonrpc: "2.0", id, method: "tools/call", params: { name, arguments: args } });

const message = (fields: object) => JSON.stringify({ jsonrpc: "2.0", ...fields });

const nested = (levels: number) => "[".repeat(levels) + "]".repeat(levels);

const manyKeys = (count: number) =>
  Object.fromEntries(Array.from({ length: count }, (_, at) => [`key_${at}`, at]));

const NASTY = "\u0000\u001b[2J\u202e\u2028\ud800\ufeff\"\\\n/../%00<script>'; DROP TABLE jobs;--";
const PICTURE = "z_image_turbo_generate";

/**
 * One line or body each, by kind. None of them buys anything: what is not refused for its form names
 * nothing that there is.
 */
export const MESSAGES: Readonly<Record<string, (turn: number) => string>> = {
  "broken JSON": (turn) => `{"jsonrpc":"2.0","id":${turn},"method":"tools/call","params":{"name":`,
  "no JSON": (turn) => `\u0000\u0001${NASTY.replaceAll("\n", "")}${turn}`,
  "a large body that is no JSON": () => "x".repeat(256 * 1024),
  "deep nesting that is cut": () => "[".repeat(50_000),
  "deep nesting in arguments": () =>
    `{"jsonrpc":"2.0","id":"deep","method":"tools/call","params":{"name":"${PICTURE}","arguments":{"prompt":${nested(10_000)}}}}`,
  "deep nesting of objects": () =>
    `{"jsonrpc":"2.0","id":"deep","method":"tools/call","params":{"name":"job_list","arguments":${'{"a":'.repeat(5_000)}1${"}".repeat(5_000)}}}`,
  "unknown keys": () => call(PICTURE, { prompt: "A cat", ...manyKeys(3_000) }),
  "a huge value of a list": () =>
    call(PICTURE, { prompt: "A cat", image_size: "x".repeat(400_000) }),
  "more values than a message has": () =>
    message({ id: "many", method: "tools/list", params: { cursor: Array(12_000).fill(0) } }),
  "members that there are not": () => message({ id: "many", method: "ping", ...manyKeys(2_000) }),
  "letters beyond ASCII": () => call("spending", { ["é".repeat(50_000)]: "ü" }),
  "wrong types": (turn) =>
    call(PICTURE, { prompt: [null, 1, {}, "x"][turn % 4], image_size: turn, num_images: {} }),
  "a tool that there is not": () => call(NASTY.repeat(50), {}),
  "a tool without a name": (turn) => call([null, 7, [], {}][turn % 4], [1, 2, 3]),
  "a method that there is not": (turn) => message({ id: turn, method: NASTY.repeat(100) }),
  "odd ids": (turn) =>
    message({ id: [null, {}, [], true, 1.5, "x".repeat(100_000)][turn % 6], method: "tools/list" }),
  "odd params": (turn) =>
    message({ id: turn, method: "tools/call", params: [5, "x", null][turn % 3] }),
  "not JSON-RPC": (turn) => ["null", "5", '"x"', "{}", "[]", "[[]]", "[1,2,3]"][turn % 7] ?? "",
  "a batch": () =>
    `[${Array.from({ length: 100 }, (_, id) => message({ id, method: "ping" })).join(",")}]`,
  "answers to nothing": (turn) => message({ id: turn, result: { content: NASTY } }),
  "cancelled requests": (turn) =>
    message({ method: "notifications/cancelled", params: { requestId: turn, reason: NASTY } }),
  "progress of nothing": (turn) =>
    message({ method: "notifications/progress", params: { progressToken: turn, progress: 1e308 } }),
  "odd protocol versions": (turn) =>
    message({
      id: turn,
      method: "initialize",
      params: { protocolVersion: NASTY, capabilities: { x: {} }, clientInfo: { name: 5 } },
    }),
  "resources that there are not": (turn) =>
    message({ id: turn, method: "resources/read", params: { uri: `longcat://media/../${NASTY}` } }),
  "completions without end": (turn) =>
    message({
      id: turn,
      method: "completion/complete",
      params: {
        ref: { type: "ref/resource", uri: "longcat://jobs/{job_id}" },
        argument: { name: "job_id", value: "%".repeat(50_000) },
      },
    }),
  "cursors and ids of no one": () => call("job_status", { job_id: `job_${NASTY.repeat(1_000)}` }),
  "pictures that are none": () =>
    call("qwen_image_edit", { prompt: "x", image: `data:image/png;base64,${"A".repeat(400_000)}` }),
  "files from elsewhere": () =>
    call("longcat_chat", { prompt: "x", files: ["/etc/passwd", "../".repeat(2_000), NASTY] }),
};

/** What is only said over HTTP: whole packets, and whether an answer comes. */
export const PACKETS: Readonly<
  Record<string, (turn: number) => { packet: string; isAnswered: boolean; isPublic?: boolean }>
> = {
  "a forged host": () => post("{}", { Host: "evil.example" }),
  "a forged origin": () => post("{}", { Origin: "https://evil.example" }),
  "forwarding headers": (turn) =>
    post("{}", { [["X-Forwarded-For", "Via", "Forwarded"][turn % 3] ?? ""]: "203.0.113.9" }),
  "two hosts": () => post("{}", { "X-A": "1\r\nHost: evil.example" }),
  "wrong methods": (turn) =>
    request(`${["PUT", "DELETE", "PATCH", "TRACE", "OPTIONS", "LINK"][turn % 6]} /mcp`),
  "no method at all": () => ({ packet: "HELLO\r\n\r\n", isAnswered: true }),
  "a body that is announced as too large": () =>
    post("", { "Content-Length": String(1024 ** 3) }, ""),
  "a body that is too large": (turn) =>
    turn % 5 === 0 ? post("x".repeat(17 * 1024 * 1024)) : post("x".repeat(100_000)),
  "a body that never comes": () => ({
    ...post("", { "Content-Length": "1000" }, "{"),
    isAnswered: false,
  }),
  "headers that never end": () => ({
    packet: "POST /mcp HTTP/1.1\r\nHost: 127.0.0.1\r\nX-",
    isAnswered: false,
  }),
  "many headers": () => request(`GET /mcp`, "X-A: 1\r\n".repeat(3_000)),
  "long headers": () => request("GET /mcp", `X-A: ${"a".repeat(100_000)}\r\n`),
  "a long address": () => request(`GET /${"a".repeat(100_000)}`),
  "paths that lead out": (turn) => ({
    ...request(
      `GET ${["/files/../jobs.db", "/files/%2e%2e%2fjobs.db", "//evil/files/x", "/files/key"][turn % 4]}`,
    ),
    isPublic: turn % 2 === 0,
  }),
  "names of files by guess": (turn) => ({
    ...request(
      `GET /files/${"a".repeat(25)}${"abcdefg"[turn % 7]}.png`,
      "Range: bytes=0-1,2-3\r\n",
    ),
    isPublic: true,
  }),
  "MCP on the public port": () => ({ ...post("{}"), isPublic: true }),
  "the wrong type": () => post("{}", { "Content-Type": "text/html", Accept: "*/*" }),
  "an address as target": () => request("GET http://evil.example/mcp"),
  "a tunnel": () => ({
    packet: "CONNECT evil.example:443 HTTP/1.1\r\nHost: a\r\n\r\n",
    isAnswered: true,
  }),
  "an upgrade": () => request("GET /mcp", "Connection: Upgrade\r\nUpgrade: websocket\r\n"),
  "broken chunks": () => ({
    packet: `POST /mcp HTTP/1.1\r\nHost: 127.0.0.1\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n`,
    isAnswered: true,
  }),
  "two lengths": () => post("{}", { "Transfer-Encoding": "chunked" }),
  "many at once": () => ({
    packet: "GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".repeat(50) + request("GET /").packet,
    isAnswered: true,
  }),
};

function request(line: string, headers = "") {
  const packet = `${line} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n${headers}\r\n`;
  return { packet, isAnswered: true };
}

function post(content: string, more: Record<string, string> = {}, sent = content) {
  const headers = {
    Host: "127.0.0.1",
    "Content-Type": "application/json",
    Accept: "application/json, text/event-stream",
    "Content-Length": String(Buffer.byteLength(content)),
    Connection: "close",
    ...more,
  };
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  return { packet: `POST /mcp HTTP/1.1\r\n${lines.join("")}\r\n${sent}`, isAnswered: true };
}

/** A message as an HTTP request. */
export function posted(body: string) {
  return post(body);
}
