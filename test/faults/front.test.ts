import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import * as fc from "fast-check";
import { expect, test } from "vitest";
import packageJson from "../../package.json" with { type: "json" };
import { answersOfProgram, answersWithFront, type Piece } from "../support/conversations.ts";

const PREPARED = JSON.parse(
  readFileSync(resolve(import.meta.dirname, "../../dist/prepared.json"), "utf8"),
);
const { version } = packageJson;
const MODERN = "2026-07-28";
const META = "io.modelcontextprotocol/";

const envelope = (
  revision: unknown,
  client: unknown = { name: "c", version: "1" },
  able: unknown = {},
) => ({
  [`${META}protocolVersion`]: revision,
  [`${META}clientInfo`]: client,
  [`${META}clientCapabilities`]: able,
});

const ids = fc.oneof(
  { weight: 8, arbitrary: fc.integer({ min: 0, max: 9 }) },
  { weight: 2, arbitrary: fc.constantFrom("a", "7", 'q"\\', "ü", "") },
  { weight: 1, arbitrary: fc.constantFrom(-1, 2 ** 53, 1.5, null, true) },
);
const revisions = fc.constantFrom(
  "2025-11-25",
  "2025-06-18",
  "2025-03-26",
  "2024-11-05",
  "2024-10-07",
  "2099-01-01",
  MODERN,
);
const clients = fc.constantFrom<unknown>(
  ...Array.from({ length: 6 }, () => ({ name: "c", version: "1" })),
  { name: "c", version: "1", title: "C", websiteUrl: "https://c.test", description: "d" },
  { name: "c", version: "1", icons: [{ src: "data:," }] },
  { name: "c" },
  { name: 1, version: "1" },
  "c",
);
const capabilities = fc.constantFrom<unknown>(
  ...Array.from({ length: 8 }, () => ({})),
  { roots: { listChanged: true }, sampling: {}, elicitation: { form: {}, url: {} } },
  { elicitation: {}, tasks: { list: {}, cancel: {}, requests: { elicitation: { create: {} } } } },
  { extensions: { "io.modelcontextprotocol/ui": { mimeTypes: ["text/html;profile=mcp-app"] } } },
  { extensions: { "io.modelcontextprotocol/tasks": {} } },
  { extensions: { "io.modelcontextprotocol/tasks": {}, "io.modelcontextprotocol/ui": {} } },
  { experimental: { deep: { deeper: { deepest: {} } } } },
  { roots: { listChanged: "yes" } },
  { sampling: [] },
  { unheardOf: 1 },
  [],
);
const metas = fc.constantFrom<unknown>(
  ...Array.from({ length: 8 }, () => undefined),
  {},
  { progressToken: 3 },
  { progressToken: 1.5 },
  { "some.host/word": { any: [1, null] } },
  { __proto__: null, "io.modelcontextprotocol/related-task": { taskId: 7 } },
  null,
);
const greetings = fc
  .record({ id: ids, protocolVersion: revisions, clientInfo: clients, capabilities, _meta: metas })
  .map(({ id, _meta, ...params }) => ({
    jsonrpc: "2.0",
    id,
    method: "initialize",
    params: _meta === undefined ? params : { ...params, _meta },
  }));
const methods = fc.constantFrom(
  "tools/list",
  "tools/list",
  "prompts/list",
  "resources/templates/list",
  "ping",
  "server/discover",
  "resources/list",
  "logging/setLevel",
  "tools/call",
  "no/such",
  "initialize",
);
const extras = fc.constantFrom<Record<string, unknown>>(
  {},
  {},
  {},
  { cursor: "x" },
  { name: "image_models", arguments: {} },
  { level: "debug" },
);
const requests = fc
  .record({ id: ids, method: methods, extra: extras, meta: metas, bare: fc.boolean() })
  .map(({ id, method, extra, meta, bare }) => {
    const params = meta === undefined ? extra : { ...extra, _meta: meta };
    return { jsonrpc: "2.0", id, method, ...(bare ? {} : { params }) };
  });
const enveloped = fc
  .record({
    id: ids,
    method: methods,
    extra: extras,
    revision: fc.constantFrom<unknown>(
      MODERN,
      MODERN,
      MODERN,
      MODERN,
      "2025-06-18",
      "2099-01-01",
      7,
    ),
    client: clients,
    able: capabilities,
  })
  .map(({ id, method, extra, revision, client, able }) => ({
    jsonrpc: "2.0",
    id,
    method,
    params: { ...extra, _meta: envelope(revision, client, able) },
  }));
const listens = fc
  .record({
    id: ids,
    notifications: fc.constantFrom<unknown>(
      { toolsListChanged: true, resourcesListChanged: true },
      { toolsListChanged: false, promptsListChanged: true },
      { promptsListChanged: true, toolsListChanged: true },
      {},
      { resourceSubscriptions: ["longcat://jobs/x"] },
      { toolsListChanged: "yes" },
      undefined,
    ),
  })
  .map(({ id, notifications }) => ({
    jsonrpc: "2.0",
    id,
    method: "subscriptions/listen",
    params: { notifications, _meta: envelope(MODERN) },
  }));
const notes = fc.constantFrom(
  { jsonrpc: "2.0", method: "notifications/initialized" },
  { jsonrpc: "2.0", method: "notifications/initialized", params: {} },
  { jsonrpc: "2.0", method: "notifications/roots/list_changed" },
  { jsonrpc: "2.0", method: "notifications/cancelled", params: { requestId: 99 } },
);
const oddities = fc.constantFrom(
  "",
  "   ",
  "no JSON",
  "[]",
  "{}",
  "null",
  '{"jsonrpc":"1.0","id":1,"method":"ping"}',
  '{"jsonrpc":"2.0","id":1,"result":{}}',
  '{"jsonrpc":"2.0","id":1,"method":"ping","extra":1}',
  `{"jsonrpc":"2.0","id":1,"method":"ping","params":{"_meta":{"x":"${"y".repeat(9_000)}"}}}`,
  '\uFEFF{"jsonrpc":"2.0","id":8,"method":"ping"}',
);
const asText = (message: unknown) => JSON.stringify(message);
const legacyTalk = fc.tuple(
  greetings.map(asText),
  notes.map(asText),
  fc.array(fc.oneof({ weight: 6, arbitrary: requests.map(asText) }, notes.map(asText), oddities), {
    maxLength: 6,
  }),
);
const modernTalk = fc.array(
  fc.oneof(
    { weight: 5, arbitrary: enveloped.map(asText) },
    { weight: 2, arbitrary: listens.map(asText) },
  ),
  { maxLength: 7 },
);
const anything = fc.array(
  fc.oneof(
    greetings.map(asText),
    requests.map(asText),
    enveloped.map(asText),
    listens.map(asText),
    notes.map(asText),
    oddities,
  ),
  { maxLength: 7 },
);
const talks = fc.oneof(
  legacyTalk.map(([greeting, note, more]) => [greeting, note, ...more]),
  modernTalk,
  anything,
);

/** A conversation cut anywhere into pieces, with pauses; its last line may lack its end. */
const conversations = fc
  .record({
    lines: talks,
    lineEnd: fc.constantFrom("\n", "\n", "\r\n"),
    isWhole: fc.boolean(),
    cuts: fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { maxLength: 8 }),
    pauses: fc.array(fc.constantFrom(0, 5, 20), { maxLength: 9 }),
  })
  .map(({ lines, lineEnd, isWhole, cuts, pauses }): Piece[] => {
    const bytes = Buffer.from(lines.join(lineEnd) + (isWhole ? lineEnd : ""));
    const places = cuts.map((cut) => Math.floor(cut * bytes.length)).toSorted((a, b) => a - b);
    return [0, ...places].flatMap((from, index): Piece[] => {
      const piece = bytes.subarray(from, places[index] ?? bytes.length);
      return [...(piece.length > 0 ? [piece] : []), ...(pauses[index] ? [pauses[index]] : [])];
    });
  });

/** So many at a time that a busy machine has time enough for them. */
const PER_TEST = 200;

test.each(Array.from({ length: 10 }, (_, index) => index))(
  "with its front the program says what it says without, nothing twice and nothing less (%i)",
  async () => {
    let answeredByFront = 0;
    const sameAnswers = fc.asyncProperty(conversations, async (pieces) => {
      const alone = await answersOfProgram(pieces, version);
      const fronted = await answersWithFront(pieces, version, PREPARED);
      // A prepared answer may come before one that was asked for earlier.
      const said = pieces.map(String).join(" | ");
      expect(fronted.lines.toSorted(), said).toEqual(alone.lines.toSorted());
      answeredByFront += fronted.byFront;
    });
    await fc.assert(sameAnswers, { numRuns: PER_TEST });
    expect(answeredByFront).toBeGreaterThan(PER_TEST / 10);
  },
);
