import { Client as ClientV2 } from "@modelcontextprotocol/client";
import { Client as ClientV1 } from "@modelcontextprotocol/sdk/client/index.js";
import { InMemoryTransport } from "@modelcontextprotocol/server";
import { describe, expect, it } from "vitest";
import * as z from "zod";
import { LOCAL_CALLER } from "../../src/core/owner.ts";
import { Conversation } from "../../src/front/conversation.ts";
import type { Prepared } from "../../src/front/prepared.ts";
import { JobEvents } from "../../src/jobs/events.ts";
import { ServerFactory } from "../../src/server.ts";
import { firstMessages, PREPARED_METHODS } from "../support/first-messages.ts";
import { idleToolDeps } from "../support/tool-deps.ts";

const MODERN = "2026-07-28";
const REVISIONS = ["2025-11-25", "2025-06-18", MODERN];
const RECORDED = firstMessages();

/** As the build prepares it: the same methods, with answers that say which. */
const PREPARED: Prepared = {
  modern: MODERN,
  places: Object.fromEntries(
    REVISIONS.map((revision) => [
      revision,
      Object.fromEntries(PREPARED_METHODS.map((method, place) => [method, place])),
    ]),
  ),
  answers: PREPARED_METHODS.map((method) => [`${method} `, ""]),
  discoveredWithTasks: ["server/discover ", " with tasks"],
  announced: ["toolsListChanged", "promptsListChanged", "resourcesListChanged"],
  acknowledged: ["subscriptions/listen ", " for ", ""],
  ended: ["end of ", ""],
};

describe.each(RECORDED)("the first messages of $name", ({ lines, messages }) => {
  it("are answered before the program is there, all that are the same for everybody", () => {
    const conversation = new Conversation(PREPARED);
    for (const [at, { method, id }] of messages.entries()) {
      const outcome = conversation.take(lines[at] ?? "");
      if (id === undefined) expect(outcome).toEqual({ kind: "noted" });
      else if (!PREPARED_METHODS.includes(method))
        expect([method, outcome.kind]).toEqual([method, "waits"]);
      else if (outcome.kind !== "answered") expect.fail(`${method}: ${outcome.kind}`);
      else expect(outcome.text.startsWith(`${method} `)).toBe(true);
    }
    const lists = messages.some(({ method }) => method === "tools/list");
    expect(conversation.hasListed).toBe(lists);
  });

  it("are answered so in every order in which they may come after the greeting", () => {
    const greeting = messages.findLastIndex(({ method }) =>
      ["initialize", "notifications/initialized", "server/discover"].includes(method),
    );
    const [before, after] = [lines.slice(0, greeting + 1), lines.slice(greeting + 1)];
    for (let turn = 0; turn < after.length; turn++) {
      const conversation = new Conversation(PREPARED);
      const turned = [...after.slice(turn), ...after.slice(0, turn)];
      const kinds = [...before, ...turned].map((line) => conversation.take(line).kind);
      expect(kinds).not.toContain("hand-over");
    }
  });
});

it("tells a client of tasks what concerns them, and no other", () => {
  const told = (name: string) => {
    const [first = ""] = RECORDED.find((one) => one.name === name)?.lines ?? [];
    const outcome = new Conversation(PREPARED).take(first);
    return outcome.kind === "answered" ? outcome.text : outcome.kind;
  };
  expect(told("claude-code-interactive")).toBe("server/discover 0 with tasks");
  expect(told("claude-code")).toBe("server/discover 0");
});

/** A client of a library, connected to this program in this process, with all that it says. */
async function said(
  start: (transport: InMemoryTransport) => Promise<unknown>,
  era: "legacy" | "modern",
): Promise<unknown[]> {
  const factory = new ServerFactory({ ...idleToolDeps(), version: "0", events: new JobEvents() });
  const [ours, theirs] = InMemoryTransport.createLinkedPair();
  const connection = { caller: LOCAL_CALLER, era, lasting: true, onDelivered: () => {} } as const;
  const heard: unknown[] = [];
  const server = factory.create(connection);
  await server.connect(ours);
  const send = theirs.send.bind(theirs);
  theirs.send = (message, options) => {
    heard.push(message);
    return send(message, options);
  };
  await start(theirs);
  await server.close();
  return heard;
}

const CLIENT = { name: "a-client", version: "1.0.0" };
/** What a server of the newest revision tells of itself. */
const DISCOVERED = {
  ...{ resultType: "complete", ttlMs: 0, cacheScope: "private" },
  ...{ supportedVersions: [MODERN], capabilities: { tools: {} } },
  serverInfo: { name: "a-server", version: "1.0.0" },
} as const;
const asked = z.looseObject({ id: z.union([z.string(), z.number()]), method: z.string() });

describe("what is recorded of the client libraries", () => {
  const recorded = (name: string) =>
    RECORDED.find((one) => one.name === name)?.lines.map((line): unknown => JSON.parse(line));

  it("is what the first one says", async () => {
    const messages = await said(async (transport) => {
      const client = new ClientV1(CLIENT);
      await client.connect(transport as never);
      await client.listTools();
    }, "legacy");
    expect(messages).toEqual(recorded("sdk-1"));
  });

  it("is what the second one says, by handshake", async () => {
    const messages = await said(async (transport) => {
      const client = new ClientV2(CLIENT);
      await client.connect(transport);
      await client.listTools();
    }, "legacy");
    expect(messages).toEqual(recorded("sdk-2"));
  });

  it.each([
    ["sdk-2-pinned", { versionNegotiation: { mode: { pin: MODERN } } }, {}],
    ["sdk-2-told", {}, { prior: { kind: "modern", discover: DISCOVERED } }],
  ] as const)("is what the second one says of the newest revision: %s", async (name, way, told) => {
    const sent: unknown[] = [];
    const [ours, theirs] = InMemoryTransport.createLinkedPair();
    ours.onmessage = (message) => {
      sent.push(message);
      const { id, method } = asked.parse(message);
      const listed = {
        resultType: "complete",
        tools: [],
        ttlMs: 0,
        cacheScope: "private",
      } as const;
      const result = method === "server/discover" ? DISCOVERED : listed;
      void ours.send({ jsonrpc: "2.0", id, result });
    };
    await ours.start();
    const client = new ClientV2(CLIENT, way);
    await client.connect(theirs, told);
    await client.listTools();
    await client.close();
    expect(sent).toEqual(recorded(name));
  });
});
