import { describe, expect, test } from "vitest";
import { Conversation } from "../../src/front/conversation.ts";
import type { Prepared } from "../../src/front/prepared.ts";

const LEGACY = "2025-11-25";
const MODERN = "2026-07-28";
const PREPARED: Prepared = {
  modern: MODERN,
  places: {
    [LEGACY]: { initialize: 0, ping: 1, "tools/list": 2 },
    [MODERN]: { "server/discover": 3, "tools/list": 2 },
  },
  answers: [
    ["hello ", ""],
    ["pong ", ""],
    ["tools ", ""],
    ["found ", ""],
  ],
  discoveredWithTasks: ["found, with tasks ", ""],
  announced: ["toolsListChanged", "resourcesListChanged"],
  acknowledged: ["news ", " for ", ""],
  ended: ["end of ", ""],
};

const client = { name: "c", version: "1" };
const text = (message: object) => JSON.stringify({ jsonrpc: "2.0", ...message });
const hello = (id: number, protocolVersion = LEGACY) =>
  text({
    id,
    method: "initialize",
    params: { protocolVersion, capabilities: {}, clientInfo: client },
  });
const initialized = text({ method: "notifications/initialized" });
const modern = (id: number, method: string, more: object = {}) =>
  text({
    id,
    method,
    params: {
      ...more,
      _meta: {
        "io.modelcontextprotocol/protocolVersion": MODERN,
        "io.modelcontextprotocol/clientInfo": client,
        "io.modelcontextprotocol/clientCapabilities": {},
      },
    },
  });
const call = (id: number) => text({ id, method: "tools/call", params: { name: "x" } });

/** What becomes of messages, one after the other: an answer's text, or the kind of outcome. */
function outcomes(...messages: string[]): string[] {
  const conversation = new Conversation(PREPARED);
  return messages.map((message) => {
    const outcome = conversation.take(message);
    return outcome.kind === "answered" ? outcome.text : outcome.kind;
  });
}

describe("what is prepared", () => {
  test("is answered with the id of its request, whatever that is", () => {
    expect(outcomes(hello(0), initialized, text({ id: 'a"b', method: "ping" }))).toEqual([
      "hello 0",
      "noted",
      'pong "a\\"b"',
    ]);
  });

  test("comes before what waits for the program", () => {
    expect(outcomes(hello(0), call(1), text({ id: 2, method: "tools/list" }))).toEqual([
      "hello 0",
      "waits",
      "tools 2",
    ]);
  });

  test("is acknowledged as far as it will be told of, in the program's order", () => {
    const notifications = {
      resourcesListChanged: true,
      promptsListChanged: true,
      toolsListChanged: true,
    };
    const conversation = new Conversation(PREPARED);
    const outcome = conversation.take(modern(5, "subscriptions/listen", { notifications }));
    expect(outcome).toEqual({
      kind: "answered",
      text: 'news {"toolsListChanged":true,"resourcesListChanged":true} for 5',
    });
    expect(conversation.end()).toEqual(["end of 5"]);
  });
});

test.each([
  ["another revision", [hello(0, "2099-01-01")]],
  ["a request before the greeting", [text({ id: 1, method: "tools/list" })]],
  ["a second greeting", [hello(0), hello(1)]],
  ["a greeting of the other era", [modern(0, "server/discover"), hello(1)]],
  ["a greeting behind what waits", [modern(0, "resources/list"), hello(1)]],
  ["a page that no list has", [modern(0, "tools/list", { cursor: "x" })]],
  ["an id in use", [hello(0), call(1), text({ id: 1, method: "ping" })]],
  ["an id that is none", [hello(0), text({ id: null, method: "ping" })]],
  [
    "a subscription to addresses",
    [modern(0, "subscriptions/listen", { notifications: { resourceSubscriptions: ["x"] } })],
  ],
  ["a member that no message has", [hello(0), text({ id: 1, method: "ping", extra: 1 })]],
  ["another protocol", ['{"jsonrpc":"1.0","id":1,"method":"ping"}']],
  ["no JSON", ["hello"]],
])("%s is handed over, and so is what follows", (_, messages) => {
  expect(outcomes(...messages).at(-1)).toBe("hand-over");
});

describe("what the program hears afterwards", () => {
  test("is what settled something, once, and nothing that waits", () => {
    const conversation = new Conversation(PREPARED);
    const list = text({ id: 1, method: "tools/list" });
    for (const message of [hello(0), initialized, list, list, call(2)]) conversation.take(message);
    expect(conversation.heard).toEqual([{ text: hello(0) }, { text: initialized }]);
  });

  test("is every subscription under its own id", () => {
    const conversation = new Conversation(PREPARED);
    const listen = modern(4, "subscriptions/listen", { notifications: {} });
    for (const message of [modern(0, "server/discover"), listen]) conversation.take(message);
    expect(conversation.heard).toEqual([
      { text: modern(0, "server/discover") },
      { text: listen, subscription: 4 },
    ]);
  });
});
