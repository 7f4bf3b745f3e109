import { serializeMessage } from "@modelcontextprotocol/server";
import { describe, expect, it } from "vitest";
import { RememberedAnswers } from "../../src/transports/remembered-answers.ts";

const list = (id: number | string, params?: Record<string, unknown>) =>
  ({ jsonrpc: "2.0", id, method: "tools/list", ...(params ? { params } : {}) }) as const;
const answer = (id: number | string) =>
  ({ result: { tools: [{ name: "é" }] }, jsonrpc: "2.0", id }) as const;

describe("an answer that stays the same", () => {
  it("is remembered, and is byte by byte what would be written for the next id", () => {
    const remembered = new RememberedAnswers();
    expect(remembered.lineFor(list(1))).toBeUndefined();
    remembered.learn(answer(1));
    for (const id of [2, "three", 'a "quoted" \n id', 0]) {
      expect(String(remembered.lineFor(list(id)))).toBe(serializeMessage(answer(id)));
    }
  });

  it("is not that of a question with other words", () => {
    const remembered = new RememberedAnswers();
    remembered.lineFor(list(1));
    remembered.learn(answer(1));
    expect(remembered.lineFor(list(2, { cursor: "x" }))).toBeUndefined();
    expect(remembered.lineFor({ ...list(2), method: "prompts/list" })).toBeUndefined();
  });

  it("is no refusal, no answer to something else, and nothing of a tool", () => {
    const remembered = new RememberedAnswers();
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
    const remembered = new RememberedAnswers();
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
});
