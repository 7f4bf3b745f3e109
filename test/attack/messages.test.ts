import { afterEach, beforeEach, describe, expect, test } from "vitest";
import * as z from "zod";
import { Bench, listeningUrl } from "../e2e/harness.ts";

const MIB = 1024 * 1024;
const answerSchema = z.looseObject({
  id: z.union([z.string(), z.number(), z.null()]),
  result: z.unknown().optional(),
  error: z.object({ code: z.number(), message: z.string() }).optional(),
});
type Answer = z.output<typeof answerSchema>;

let bench: Bench;
beforeEach(async () => {
  bench = await Bench.open();
});
afterEach(() => bench.close());

const message = (id: unknown, method: string, params?: unknown) =>
  JSON.stringify({ jsonrpc: "2.0", id, method, params });
const call = (id: unknown, name: string, args: unknown) =>
  message(id, "tools/call", { name, arguments: args });
const tooLarge = (id: unknown) =>
  call(id, "qwen_image_edit", {
    prompt: "a",
    image: `data:image/png;base64,${"A".repeat(17 * MIB)}`,
  });
const manyValues = (id: unknown) =>
  message(id, "prompts/get", { name: "x", arguments: { ...Array(300_000).fill("y") } });

describe("on stdio", () => {
  async function open() {
    const program = bench.launch([]);
    const answers: Answer[] = [];
    let wake = () => {};
    program.onmessage = (answer: unknown) => {
      answers.push(answerSchema.parse(answer));
      wake();
    };
    await program.start();
    const write = (bytes: string | Buffer) =>
      new Promise<void>((resolve) => program.child.stdin?.write(bytes, () => resolve()));
    const answer = async (id: unknown) => {
      for (;;) {
        const found = answers.find((one) => one.id === id);
        if (found) return found;
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
    };
    const clientInfo = { name: "attack", version: "1" };
    const hello = { protocolVersion: "2025-06-18", capabilities: {}, clientInfo };
    await write(`${message(0, "initialize", hello)}\n`);
    await answer(0);
    return { program, answers, write, answer };
  }

  test("a line that is too long is refused, and what is before and behind it answered", async () => {
    const { program, answers, write, answer } = await open();
    await write(
      `${message(1, "ping")}\n${tooLarge(2)}\n${call(3, "job_list", {})}\n${"x".repeat(17 * MIB)}\n${message(4, "ping")}\n`,
    );
    await answer(4);
    expect((await answer(1)).result).toEqual({});
    expect((await answer(2)).error).toMatchObject({
      code: -32600,
      message: expect.stringMatching(/17,825,\d{3} bytes.*16,777,216 bytes.*path of a file/),
    });
    expect(JSON.stringify((await answer(3)).result)).toContain("jobs");
    // Nobody can tell whose the other line was.
    expect(answers.filter(({ id }) => id === null).length).toBe(1);
    program.child.stdin?.end(tooLarge(5));
    expect(await program.exited()).toBe(0);
    expect((await answer(5)).error?.code).toBe(-32600);
    expect(bench.posts).toBe(0);
  });

  test("a line may come in any pieces, and many lines in one", async () => {
    const { write, answer } = await open();
    const wrong = { prompt: "a", image_size: "größer" };
    const bytes = Buffer.from(`${call(1, "z_image_turbo_generate", wrong)}\n`);
    for (let at = 0; at < bytes.length; at++) await write(bytes.subarray(at, at + 1));
    expect(JSON.stringify((await answer(1)).result)).toContain("größer");
    const lines = Array.from({ length: 2_000 }, (_, at) => message(at + 2, "ping"));
    await write(`${lines.join("\n\n")}\n`);
    await answer(2_001);
  });

  test("what has more values than any message is refused at once", async () => {
    const { write, answer } = await open();
    await write(`${manyValues("many")}\n${message(1, "ping")}\n`);
    expect((await answer("many")).error?.code).toBe(-32600);
    expect((await answer(1)).result).toEqual({});
  });
});

describe("over HTTP", () => {
  const TYPE = "application/json";
  async function open() {
    const program = bench.launch(["http", "--port", "0"]);
    await program.start();
    const url = await listeningUrl(program);
    return async (body: string | ReadableStream, type = TYPE) => {
      const headers = { "content-type": type, accept: "application/json, text/event-stream" };
      const init = { method: "POST", headers, body, duplex: "half" } as const;
      const reply = await fetch(url, init);
      return { status: reply.status, text: await reply.text() };
    };
  }

  /** Sent without saying how long it is. */
  function unannounced(text: string): ReadableStream {
    return new Blob([text]).stream();
  }

  test("a body that is too long is refused, announced or not", async () => {
    const post = await open();
    for (const body of [tooLarge(1), unannounced(tooLarge(1))]) {
      const { status, text } = await post(body);
      expect(status).toBe(413);
      expect(text).toMatch(/too long.*16,777,216 bytes.*path of a file/);
    }
    const { status, text } = await post(message(2, "ping"));
    expect([status, text]).toEqual([200, expect.stringContaining('"id":2')]);
    expect(bench.posts).toBe(0);
  });

  test("a body in pieces is read whole", async () => {
    const post = await open();
    const wrong = { prompt: "a", image_size: `größer${"ö".repeat(100_000)}` };
    const { text } = await post(unannounced(call(1, "z_image_turbo_generate", wrong)));
    expect(text).toContain("größer");
  });

  test("what is no message is refused", async () => {
    const post = await open();
    const many = await post(manyValues("many"));
    expect(many.status).toBe(400);
    expect(JSON.parse(many.text)).toMatchObject({ id: "many", error: { code: -32600 } });
    for (const body of ["", "{", "\u0000", "x".repeat(100_000)]) {
      const { status, text } = await post(body);
      expect(status).toBe(400);
      expect(JSON.parse(text)).toMatchObject({ id: null, error: { code: -32700 } });
    }
    for (const body of ["null", "5", "[]", "{}"]) expect((await post(body)).status).toBe(400);
    expect((await post(message(1, "ping"), "text/plain")).status).toBe(415);
  });
});
