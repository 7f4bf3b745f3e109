import { type JSONRPCMessage, serializeMessage } from "@modelcontextprotocol/server";
import { describe, expect, it } from "vitest";
import type { MarkOf } from "../../src/transports/questions.ts";
import { RememberedAnswers } from "../../src/transports/remembered-answers.ts";
import { answersOfProgram } from "../support/conversations.ts";

const list = (id: number | string, params?: Record<string, unknown>) =>
  ({ jsonrpc: "2.0", id, method: "tools/list", ...(params ? { params } : {}) }) as const;
const answer = (id: number | string) =>
  ({ result: { tools: [{ name: "é" }] }, jsonrpc: "2.0", id }) as const;

const listsOnly: MarkOf = (method) => (method === "tools/call" ? undefined : method);

function memory(markOf = listsOnly) {
  const remembered = new RememberedAnswers(markOf);
  return {
    lineFor: (message: unknown) => remembered.lineFor(message),
    learn: (answer: JSONRPCMessage) => remembered.learn(answer, JSON.stringify(answer)),
  };
}

describe("an answer that stays the same", () => {
  it("is remembered, and is byte by byte what would be written for the next id", () => {
    const remembered = memory();
    expect(remembered.lineFor(list(1))).toBeUndefined();
    remembered.learn(answer(1));
    for (const id of [2, "three", 'a "quoted" \n id', 0]) {
      expect(String(remembered.lineFor(list(id)))).toBe(serializeMessage(answer(id)));
    }
  });

  it("is not that of a question with other words", () => {
    const remembered = memory();
    remembered.lineFor(list(1));
    remembered.learn(answer(1));
    expect(remembered.lineFor(list(2, { cursor: "x" }))).toBeUndefined();
    expect(remembered.lineFor({ ...list(2), method: "prompts/list" })).toBeUndefined();
  });

  it("is no refusal, no answer to something else, and nothing of a tool", () => {
    const remembered = memory();
    remembered.lineFor(list(1));
    remembered.learn({ jsonrpc: "2.0", id: 1, error: { code: -32602, message: "no" } });
    remembered.learn(answer(7));
    const call = {
      jsonrpc: "2.0",
      id: 8,
      method: "tools/call",
      params: { name: "spending" },
    } as const;
    expect(remembered.lineFor(call)).toBeUndefined();
    remembered.learn(answer(8));
    expect(remembered.lineFor({ ...call, id: 9 })).toBeUndefined();
    expect(remembered.lineFor(list(2))).toBeUndefined();
  });

  it("is kept for few questions and short ones, whatever a client asks", () => {
    const remembered = memory();
    const ask = (id: number, params: Record<string, unknown>) => {
      const known = remembered.lineFor(list(id, params));
      remembered.learn(answer(id));
      return known !== undefined;
    };
    const long = { cursor: "x".repeat(10_000) };
    expect([ask(1, long), ask(2, long)]).toEqual([false, false]);
    for (let n = 0; n < 100; n++) ask(n, { cursor: `${n}` });
    const known = Array.from({ length: 100 }, (_, n) => ask(n, { cursor: `${n}` }));
    expect(known.filter(Boolean).length).toBeLessThan(20);
  });

  it("is forgotten once it depends on something else, and not learned where that has just changed", () => {
    let mark: number | undefined = 1;
    const remembered = memory(() => mark);
    remembered.lineFor(list(1));
    remembered.learn(answer(1));
    expect(remembered.lineFor(list(2))).toBeDefined();
    mark = 2;
    expect(remembered.lineFor(list(3))).toBeUndefined();
    mark = 3;
    remembered.learn(answer(3));
    expect(remembered.lineFor(list(4))).toBeUndefined();
    remembered.learn(answer(4));
    expect(remembered.lineFor(list(5))).toBeDefined();
    mark = undefined;
    expect(remembered.lineFor(list(6))).toBeUndefined();
  });

  it("is given to requests only, whose ids are what ids can be", () => {
    const remembered = memory();
    remembered.lineFor(list(1));
    remembered.learn(answer(1));
    const { id: _, ...notification } = list(1);
    const strange = [null, 1.5, 2 ** 60, [1], {}, true].map((id) => ({ ...notification, id }));
    for (const message of [notification, ...strange, [list(2)], { ...list(2), more: 1 }, null, 7]) {
      expect(remembered.lineFor(message)).toBeUndefined();
    }
    expect(remembered.lineFor(list(2))).toBeDefined();
  });
});

it("of two requests at a time under one id no answer is remembered as that of the other", async () => {
  const greeting = {
    protocolVersion: "2025-11-25",
    capabilities: {},
    clientInfo: { name: "c", version: "1" },
  };
  const talk = [
    { jsonrpc: "2.0", id: 0, method: "initialize", params: greeting },
    { jsonrpc: "2.0", method: "notifications/initialized" },
    { jsonrpc: "2.0", id: 0, method: "resources/templates/list" },
    { jsonrpc: "2.0", id: "a", method: "resources/templates/list" },
  ];
  // The last line lacks its end, and is read when the others have been answered.
  const bytes = Buffer.from(talk.map((message) => JSON.stringify(message)).join("\n"));
  const { lines } = await answersOfProgram([bytes], "1.0.0");
  const ofA = lines.filter((line) => line.endsWith('"id":"a"}'));
  expect(ofA).toEqual([expect.stringContaining('"resourceTemplates":[')]);
});
