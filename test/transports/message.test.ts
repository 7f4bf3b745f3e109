import { describe, expect, it, test } from "vitest";
import { givenArguments } from "../../src/core/whole-arguments.ts";
import { readMessage, tooLong } from "../../src/transports/message.ts";

const call = (args: unknown) => ({
  jsonrpc: "2.0",
  id: 1,
  method: "tools/call",
  params: { name: "spending", arguments: args },
});

function read(message: unknown) {
  return readMessage(JSON.stringify(message));
}

describe("the arguments of a call", () => {
  const keys = Object.fromEntries(Array.from({ length: 20_000 }, (_, at) => [`k${at}`, at]));

  test.each([{}, { a: [1, { b: null }] }, { whole: { value: 1 } }, keys])(
    "are handed on as they are, and one value to all that is between",
    (given) => {
      const message = read(call(given));
      const args = (message as { message: { params: { arguments: object } } }).message.params
        .arguments;
      expect(Object.keys(args).length).toBe(1);
      expect(givenArguments(args)).toEqual(given);
    },
  );

  test.each([null, [1, 2], "text", 5])("that are no object stay what they are: %j", (given) => {
    expect(read(call(given))).toEqual({ message: call(given) });
    expect(givenArguments(given)).toEqual(given);
  });

  it("cannot pass for those of another", () => {
    expect(givenArguments({ whole: { value: { prompt: "x" } } })).toEqual({
      whole: { value: { prompt: "x" } },
    });
  });
});

test.each([
  ["params", { jsonrpc: "2.0", id: "a", method: "ping", params: { list: Array(10_000).fill(0) } }],
  ["members", { jsonrpc: "2.0", id: "a", method: "ping", ...Array(10_000).fill(0) }],
  [
    "another method's arguments",
    { id: "a", method: "prompts/get", params: { arguments: { ...Array(10_000).fill(0) } } },
  ],
])("a message with very many %s is refused, with its id", (_, message) => {
  expect(read(message)).toEqual({
    refusal: { jsonrpc: "2.0", id: "a", error: { code: -32600, message: expect.any(String) } },
  });
});

test("deep nesting is counted without depth", () => {
  const deep = `${"[".repeat(9_000)}${"]".repeat(9_000)}`;
  expect(readMessage(deep)).toHaveProperty("message");
  expect(readMessage(`[${deep.repeat(2).replace("][", "],[")}]`)).toHaveProperty("refusal");
});

test("a mark of the encoding before a message is none of it", () => {
  expect(readMessage('\uFEFF{"id":1}')).toEqual({ message: { id: 1 } });
  expect(readMessage("no JSON")).toBeUndefined();
});

describe("of a line that is too long", () => {
  const line = (start: string, end: string) => ({ start, end, bytes: 20_000_000 });

  test.each([
    ['{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"a":"xx', 'xx"}}', 7],
    ['{"method":"tools/call","params":{"a":"xx', 'xx"},"jsonrpc":"2.0","id":7}', 7],
    [
      '{ "jsonrpc": "2.0", "method": "tools/call", "id": "a-1", "params": {"a":"xx',
      'xx"}}\r',
      "a-1",
    ],
    ['{"params":{"a":"xx', 'xx"}, "id": -7, "method": "tools/call", "jsonrpc": "2.0" } ', -7],
  ])("the id is found at either end: %s … %s", (start, end, id) => {
    const refusal = tooLong(line(start, end));
    expect(refusal.id).toBe(id);
    expect(refusal.error.message).toContain("20,000,000 bytes");
  });

  test.each([
    ['{"method":"tools/call","params":{"a":{"id":7,"x":"xx', 'xx"}}}'],
    ['{"method":"tools/call","params":{"a":"xx', ',\\"id\\":7}"}}'],
    ['{"method":"tools/call","params":{"id":7,"a":"xx', 'xx","id":7}}'],
    ['{"jsonrpc":"2.0","id":7,"result":{"a":"xx', 'xx"}}'],
    ['{"jsonrpc":"2.0","result":{"a":"xx', 'xx"},"id":7}'],
    ['{"jsonrpc":"2.0","id":{},"method":"xx', 'xx"}'],
    ["xxx", "xxx"],
  ])("none is made up: %s … %s", (start, end) => {
    expect(tooLong(line(start, end)).id).toBeNull();
  });
});
