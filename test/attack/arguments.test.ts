import { afterAll, beforeAll, describe, expect, it } from "vitest";
import * as z from "zod";
import { Bench, listeningUrl } from "../e2e/harness.ts";

const DEPTH = 100_000;
const MOST_CHARACTERS = 8_000;
const lists = "[".repeat(DEPTH) + "]".repeat(DEPTH);
const objects = `${'{"a":'.repeat(DEPTH)}1${"}".repeat(DEPTH)}`;
const keys = (prefix: string) =>
  Array.from({ length: 300_000 }, (_, number) => `"${prefix}${number}":1`).join(",");
const long = "x".repeat(8_000_000);

/** JSON texts of arguments, each of them wrong. */
const ATTACKS: [string, string, string][] = [
  ["300,000 unknown names", "longcat_image_generate", `{"prompt":"a",${keys("k")}}`],
  ["300,000 names that hosts might inject", "spending", `{${keys("_k")}}`],
  ["300,000 names near an own one", "z_image_turbo_generate", `{${keys("num_images")}}`],
  ["a name of 8 MB", "spending", `{"${long}":1}`],
  [
    "an enumerated value of 8 MB",
    "longcat_image_generate",
    `{"prompt":"a","image_size":"${long}"}`,
  ],
  ["a number of 8 MB", "longcat_image_generate", `{"num_images":"${"9".repeat(8_000_000)}"}`],
  ["a switch of 8 MB", "z_image_turbo_generate", `{"enable_safety_checker":"${long}"}`],
  ["a prompt of 8 MB", "z_image_turbo_generate", `{"prompt":"${long}","image_size":"square_1_1"}`],
  ["an address of 8 MB", "qwen_image_layered", `{"image_url":"https://example.com/${long}"}`],
  [
    "blanks of 8 MB around nothing",
    "qwen_image_layered",
    `{"image_url":"@${" ".repeat(8_000_000)}"}`,
  ],
  ["brackets of 8 MB", "qwen_image_layered", `{"image_url":"${"[](".repeat(2_600_000)})"}`],
  ["an id of 8 MB", "job_status", `{"job_id":"${long}"}`],
  [
    "a million entries that are none",
    "longcat_chat",
    `{"prompt":"a","files":[${"1,".repeat(1_000_000)}1]}`,
  ],
  ["lists in lists", "longcat_image_generate", `{"prompt":"a","image_size":${lists}}`],
  ["objects in an unknown argument", "longcat_image_generate", `{"prompt":"a","zzz":${objects}}`],
  [
    "objects in an object that may hold more",
    "qwen_image_edit_plus_lora",
    `{"prompt":"a","image_urls":["https://example.com/a.png"],"image_size":{"of":${objects}}}`,
  ],
  ["lists as text of JSON", "qwen_image_max_edit", `{"prompt":"a","image_urls":"${lists}"}`],
  [
    "objects as text of JSON",
    "qwen_image_edit_plus_lora",
    `{"image_urls":["a"],"image_size":${JSON.stringify(objects)}}`,
  ],
];

const replySchema = z.looseObject({
  id: z.unknown(),
  result: z
    .looseObject({
      isError: z.boolean().optional(),
      content: z.array(z.looseObject({ text: z.string().optional() })).optional(),
    })
    .optional(),
});

let bench: Bench;
beforeAll(async () => {
  bench = await Bench.open();
});
afterAll(() => bench.close());

function request(id: number, name: string, args: string): string {
  return `{"jsonrpc":"2.0","id":${id},"method":"tools/call","params":{"name":"${name}","arguments":${args}}}`;
}

function expectRefusal(text: string): void {
  const { result } = replySchema.parse(JSON.parse(text));
  const words = (result?.content ?? []).map((block) => block.text ?? "").join("\n");
  expect(words).toMatch(/^(?:invalid_input|not_found): /);
  expect(result?.isError).toBe(true);
  expect(text.length).toBeLessThan(MOST_CHARACTERS);
}

describe("arguments of any size and depth are refused in few words, and nothing is sent", () => {
  it("on a line of stdio", async () => {
    const program = bench.launch([]);
    const lines: string[] = [];
    let wake = () => {};
    program.onmessage = (message: unknown) => {
      lines.push(JSON.stringify(message));
      wake();
    };
    await program.start();
    const answer = async (id: number) => {
      for (;;) {
        const found = lines.find((line) => replySchema.safeParse(JSON.parse(line)).data?.id === id);
        if (found) return found;
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
    };
    const write = (line: string) => program.child.stdin?.write(`${line}\n`);
    write(
      '{"jsonrpc":"2.0","id":0,"method":"initialize","params":{"protocolVersion":"2025-06-18","capabilities":{},"clientInfo":{"name":"attack","version":"1"}}}',
    );
    await answer(0);
    for (const [position, [, name, args]] of ATTACKS.entries()) {
      write(request(position + 1, name, args));
      expectRefusal(await answer(position + 1));
    }
    // What is no call at all is not answered, and does not end the program.
    write(`{"jsonrpc":"2.0","id":900,"method":"tools/call","params":${lists}}`);
    write(`{"jsonrpc":"2.0","id":901,"method":"ping","params":{"_meta":${objects}}}`);
    write('{"jsonrpc":"2.0","id":902,"method":"ping"}');
    await answer(902);
    expect(bench.sandbox.requests()).toEqual([]);
  });

  it("in a request over HTTP", async () => {
    const program = bench.launch(["http", "--port", "0"], {
      LONGCAT_MCP_DATA_DIR: `${bench.folder}/http`,
    });
    await program.start();
    const url = await listeningUrl(program);
    for (const [position, [, name, args]] of ATTACKS.entries()) {
      const reply = await fetch(url, {
        method: "POST",
        headers: {
          "content-type": "application/json",
          accept: "application/json, text/event-stream",
          "mcp-protocol-version": "2025-06-18",
        },
        body: request(position + 1, name, args),
      });
      const text = await reply.text();
      expectRefusal(/^data: (\{.*\})$/m.exec(text)?.[1] ?? text);
    }
    expect(bench.sandbox.requests()).toEqual([]);
  });
});
