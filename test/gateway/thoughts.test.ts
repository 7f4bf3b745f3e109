import { describe, expect, it } from "vitest";
import { readChatDelta } from "../../src/gateway/chat-delta.ts";
import { Thoughts } from "../../src/gateway/thoughts.ts";

const openai = (delta: unknown) => JSON.stringify({ choices: [{ delta }] });
const event = (fields: unknown) => JSON.stringify(fields);

describe("thoughts", () => {
  it.each([
    ["reasoning_content", openai({ reasoning_content: "hm", content: "yes" })],
    ["reasoning", openai({ reasoning: "hm", content: "yes" })],
    ["reasoning as an object", openai({ reasoning: { text: "hm" }, content: "yes" })],
    ["thinking", openai({ thinking: "hm", content: "yes" })],
    [
      "two fields with the same",
      openai({ reasoning: "hm", reasoning_content: "hm", content: "yes" }),
    ],
    [
      "reasoning_details",
      openai({
        reasoning: "hm",
        reasoning_details: [
          { type: "reasoning.text", text: "hm" },
          { type: "reasoning.encrypted", data: "x" },
        ],
        content: "yes",
      }),
    ],
    [
      "only reasoning_details",
      openai({
        reasoning_details: [{ type: "reasoning.summary", summary: "hm" }],
        content: "yes",
      }),
    ],
    [
      "a thinking block",
      openai({
        content: [
          { type: "thinking", thinking: "hm" },
          { type: "text", text: "yes" },
        ],
      }),
    ],
    [
      "nested thinking",
      openai({ content: [{ type: "thinking", thinking: [{ type: "text", text: "hm" }] }, "yes"] }),
    ],
    ["a marked part", openai({ content: [{ text: "hm", thought: true }, { text: "yes" }] })],
    [
      "a summary",
      openai({
        content: [
          { type: "reasoning", summary: [{ type: "summary_text", text: "hm" }] },
          { type: "output_text", text: "yes" },
        ],
      }),
    ],
    [
      "a whole message",
      event({ choices: [{ message: { reasoning_content: "hm", content: "yes" } }] }),
    ],
    [
      "anthropic blocks",
      event({
        type: "message",
        content: [
          { type: "thinking", thinking: "hm", signature: "s" },
          { type: "redacted_thinking", data: "zzz" },
          { type: "text", text: "yes" },
        ],
      }),
    ],
  ])("in %s are reasoning and not answer", (_, data) => {
    expect(readChatDelta(data)).toMatchObject({ text: "yes", reasoning: "hm" });
  });

  it.each([
    [
      "thinking_delta",
      event({ type: "content_block_delta", delta: { type: "thinking_delta", thinking: "hm" } }),
    ],
    [
      "a delta of the kind with another field",
      event({ type: "content_block_delta", delta: { type: "thinking_delta", text: "hm" } }),
    ],
    ["delta.thinking alone", event({ type: "content_block_delta", delta: { thinking: "hm" } })],
    [
      "a block's beginning",
      event({ type: "content_block_start", content_block: { type: "thinking", thinking: "hm" } }),
    ],
  ])("in %s are reasoning", (_, data) => {
    expect(readChatDelta(data)).toMatchObject({ text: "", reasoning: "hm" });
  });

  it("that are redacted or signed are nothing", () => {
    for (const delta of [
      { type: "signature_delta", signature: "s" },
      { type: "redacted_thinking", data: "z" },
    ]) {
      expect(readChatDelta(event({ type: "content_block_delta", delta }))).toMatchObject({
        text: "",
        reasoning: "",
      });
    }
  });

  it.each([
    ["<think>hm</think>\n\nyes", "yes", "hm"],
    ["\n <Thinking>h<m</thinking>yes <think>no</think>", "yes <think>no</think>", "h<m"],
    ["<think>h</think>\n<think>m</think>yes", "yes", "hm"],
    ["<longcat_think>hm</longcat_think>yes", "yes", "hm"],
    ["[THINK]hm[/THINK]yes", "yes", "hm"],
    ["<think></think>yes", "yes", ""],
    ["<think>hm", "", "hm"],
    ["<think>hm</thi", "", "hm</thi"],
    ["<thi", "<thi", ""],
    [" <b>yes</b>", " <b>yes</b>", ""],
    ["yes <think>", "yes <think>", ""],
  ])("between marks: %j, in pieces of any length", (given, text, reasoning) => {
    for (let size = 1; size <= given.length; size++) {
      const thoughts = new Thoughts();
      const told = { text: "", reasoning: "" };
      for (let at = 0; at < given.length; at += size) {
        const delta = thoughts.of({ text: given.slice(at, at + size), reasoning: "", done: false });
        told.text += delta.text;
        told.reasoning += delta.reasoning;
      }
      const rest = thoughts.rest();
      told.text += rest?.text ?? "";
      told.reasoning += rest?.reasoning ?? "";
      expect(told).toEqual({ text, reasoning });
    }
  });
});

describe("an error in a 200", () => {
  it.each([
    event({ type: "error", message: "no more" }),
    event({ success: false, msg: "no more" }),
    event({ error: "no more" }),
  ])("is one: %s", (data) => {
    expect(readChatDelta(data)).toMatchObject({ error: data, text: "" });
  });
});
