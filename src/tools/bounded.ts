import type { CallToolResult, ContentBlock } from "@modelcontextprotocol/server";
import { beginningOf } from "../core/text.ts";

/** Hosts cut or drop what is larger; this leaves room for the envelope. */
export const MAX_ANSWER_BYTES = 950_000;
/** How much is left of each text and list in ever harder rounds. */
const ROUNDS = [
  { characters: 20_000, items: 500 },
  { characters: 4_000, items: 100 },
  { characters: 1_000, items: 50 },
  { characters: 300, items: 20 },
  { characters: 100, items: 5 },
] as const;
/** No number is longer, and neither is null, true or false. */
const MAX_WORD_BYTES = 25;
const CUT = "This answer was larger than 1 MB: long texts and lists in it are cut.";

/**
 * An answer that no host refuses for its size, whatever was to be told: the last of all limits, and
 * the only one that every answer passes. What has its own limits passes as it is.
 */
export function bounded(result: CallToolResult): CallToolResult {
  if (mostBytes(result) <= MAX_ANSWER_BYTES || sizeOf(result) <= MAX_ANSWER_BYTES) return result;
  let smaller = result;
  for (const round of ROUNDS) {
    smaller = cut(result, round.characters, round.items);
    if (sizeOf(smaller) <= MAX_ANSWER_BYTES) break;
  }
  return smaller;
}

/** How large a value can be as JSON, told without making that: most answers are far smaller. */
function mostBytes(value: unknown): number {
  if (typeof value === "string") {
    // A control character takes six bytes, any other at most three.
    return value.length * 6 + 2;
  }
  if (typeof value !== "object" || value === null) return MAX_WORD_BYTES;
  const sizes = Object.entries(value).map(([name, one]) => mostBytes(name) + mostBytes(one) + 2);
  return sizes.reduce((sum, size) => sum + size, 2);
}

function sizeOf(result: CallToolResult): number {
  return Buffer.byteLength(JSON.stringify(result));
}

function cut(result: CallToolResult, characters: number, items: number): CallToolResult {
  const { structuredContent, content } = result;
  if (typeof structuredContent === "object" && structuredContent !== null) {
    const data = { ...cutObject({ ...structuredContent }, characters, items), note: CUT };
    return { ...result, content: [text(JSON.stringify(data))], structuredContent: data };
  }
  const kept = content.slice(0, items).map((block) => cutBlock(block, characters));
  return { ...result, content: [...kept, text(`Note: ${CUT}`)] };
}

function cutBlock(block: ContentBlock, characters: number): ContentBlock {
  if (block.type === "text") return { ...block, text: cutText(block.text, characters) };
  const isLarge = JSON.stringify(block).length > characters * 10;
  return isLarge ? text(`Note: A block of the kind ${block.type} was too large.`) : block;
}

function cutObject(
  value: Record<string, unknown>,
  characters: number,
  items: number,
): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(value)
      .slice(0, items)
      .map(([name, one]) => [name, cutValue(one, characters, items)]),
  );
}

function cutValue(value: unknown, characters: number, items: number): unknown {
  if (typeof value === "string") return cutText(value, characters);
  if (Array.isArray(value)) {
    return value.slice(0, items).map((one) => cutValue(one, characters, items));
  }
  if (typeof value !== "object" || value === null) return value;
  return cutObject({ ...value }, characters, items);
}

function cutText(given: string, characters: number): string {
  return given.length > characters ? `${beginningOf(given, characters)} …` : given;
}

function text(words: string): ContentBlock {
  return { type: "text", text: words };
}
