import { describe, expect, it } from "vitest";
import { bounded, MAX_ANSWER_BYTES } from "../../src/tools/bounded.ts";

const text = (words: string) => ({ type: "text", text: words }) as const;
const sizeOf = (value: unknown) => Buffer.byteLength(JSON.stringify(value));
const NOTE = "larger than 1 MB: long texts and lists in it are cut.";

describe("an answer of any size", () => {
  it.each([
    { content: [] },
    { content: [text("x".repeat(900_000))] },
    { content: [text("ü".repeat(400_000))] },
    { content: [{ type: "image" as const, data: "A".repeat(900_000), mimeType: "image/png" }] },
    { content: [text("{}")], structuredContent: { a: "x".repeat(800_000), b: [1, 2, 3] } },
  ])("passes as it is where hosts take it (%#)", (result) => {
    expect(bounded(result)).toBe(result);
  });

  it.each([
    ["one long text", { content: [text("x".repeat(2_000_000))] }],
    ["escapes that make it long", { content: [text("\u0000".repeat(300_000))] }],
    ["letters of several bytes", { content: [text("日".repeat(400_000))] }],
    ["many texts", { content: Array.from({ length: 3_000 }, () => text("x".repeat(2_000))) }],
    [
      "a picture beside others",
      {
        content: [
          text("Done."),
          { type: "image" as const, data: "A".repeat(2_000_000), mimeType: "image/png" },
        ],
      },
    ],
  ])("is cut until it fits, and says so: %s", (_, result) => {
    const smaller = bounded(result);
    expect(sizeOf(smaller)).toBeLessThanOrEqual(MAX_ANSWER_BYTES);
    expect(smaller.content.at(-1)).toMatchObject({ text: expect.stringContaining(NOTE) });
  });

  it("keeps what fits, its error and its order", () => {
    const result = {
      isError: true,
      content: [text("first"), text("x".repeat(2_000_000)), text("last")],
    };
    const smaller = bounded(result);
    expect(smaller.isError).toBe(true);
    const [first, long, last] = smaller.content;
    expect(first).toEqual(text("first"));
    expect(last).toEqual(text("last"));
    expect(long).toMatchObject({ text: expect.stringMatching(/^x+ …$/) });
  });

  it("names a block that is too large for any round", () => {
    const picture = { type: "image" as const, data: "A".repeat(2_000_000), mimeType: "image/png" };
    expect(bounded({ content: [picture] }).content[0]).toEqual(
      text("Note: A block of the kind image was too large."),
    );
  });

  it.each([
    ["a list", { jobs: Array.from({ length: 50_000 }, (_, at) => ({ id: at, prompt: "A cat" })) }],
    ["long texts", { jobs: Array.from({ length: 400 }, () => ({ prompt: "x".repeat(20_000) })) }],
    ["deep nesting", { a: { b: { c: Array.from({ length: 300 }, () => ["y".repeat(9_000)]) } } }],
    ["many members", Object.fromEntries(Array.from({ length: 90_000 }, (_, at) => [`k${at}`, at]))],
  ])("of data stays data, the same as text and as structure: %s", (_, data) => {
    const smaller = bounded({ content: [text(JSON.stringify(data))], structuredContent: data });
    expect(sizeOf(smaller)).toBeLessThanOrEqual(MAX_ANSWER_BYTES);
    const [block] = smaller.content;
    expect(JSON.parse(block?.type === "text" ? block.text : "")).toEqual(smaller.structuredContent);
    expect(smaller.structuredContent).toMatchObject({ note: expect.stringContaining(NOTE) });
  });

  it("is cut no more than it must be", () => {
    const data = {
      jobs: Array.from({ length: 200 }, () => "x".repeat(6_000)),
      total: 7,
      none: null,
    };
    const { structuredContent } = bounded({ content: [], structuredContent: data });
    expect(structuredContent).toMatchObject({ total: 7, none: null });
    expect(JSON.stringify(structuredContent)).toContain("x".repeat(1_000));
  });
});
