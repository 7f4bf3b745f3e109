import { afterEach, beforeEach, expect, it } from "vitest";
import * as z from "zod";
import { Bench, listeningUrl } from "../e2e/harness.ts";
import { afterReading } from "../support/asked-client.ts";

/* A question that is the answer to a call, and comes back to another process on the same folder. */

const DEAR = { LONGCAT_MCP_PRICES: '{"qwen_image_generate": 2}' };
const WISH = { prompt: "A cat on a roof", wait_seconds: 40 };
const ACCEPT = { question: { action: "accept", content: {} } };

const replySchema = z.looseObject({
  result: z.looseObject({
    resultType: z.string().optional(),
    requestState: z.string().optional(),
    content: z.array(z.looseObject({ text: z.string().optional() })).optional(),
  }),
});

let bench: Bench;
beforeEach(async () => {
  bench = await Bench.open();
});
afterEach(() => bench.close());

/** A server on the bench's folder, and how a client of 2026-07-28 calls it. */
async function server(env: Record<string, string> = {}) {
  const program = bench.launch(["http", "--port", "0"], { ...DEAR, ...env });
  const url = await listeningUrl(program);
  const call = async (args: object, more: object = {}) => {
    const name = "qwen_image_generate";
    const reply = await fetch(url, {
      method: "POST",
      headers: {
        "content-type": "application/json",
        accept: "application/json, text/event-stream",
        "mcp-protocol-version": "2026-07-28",
        "mcp-method": "tools/call",
        "mcp-name": name,
      },
      body: JSON.stringify({
        ...{ jsonrpc: "2.0", id: 1, method: "tools/call" },
        params: {
          ...{ name, arguments: args, ...more },
          _meta: {
            "io.modelcontextprotocol/protocolVersion": "2026-07-28",
            "io.modelcontextprotocol/clientInfo": { name: "t", version: "1" },
            "io.modelcontextprotocol/clientCapabilities": { elicitation: {} },
          },
        },
      }),
    });
    const text = await reply.text();
    const { result } = replySchema.parse(JSON.parse(/^data: (\{.*)$/m.exec(text)?.[1] ?? text));
    return {
      state: result.requestState ?? "",
      isQuestion: result.resultType === "input_required",
      text: (result.content ?? []).map((one) => one.text ?? "").join("\n"),
    };
  };
  return { program, call };
}

it("is answered after a restart, once", async () => {
  const before = await server();
  const { state, isQuestion } = await before.call(WISH);
  expect(isQuestion).toBe(true);
  await before.program.kill("SIGKILL");
  await afterReading();
  const after = await server();
  const answer = { requestState: state, inputResponses: ACCEPT };
  // It is for these very arguments, there as well.
  expect((await after.call({ ...WISH, prompt: "Two cats" }, answer)).isQuestion).toBe(true);
  expect(bench.posts).toBe(0);
  expect((await after.call(WISH, answer)).text).toContain("completed in");
  const again = await after.call({ ...WISH, force_new: true }, answer);
  expect(again.isQuestion).toBe(true);
  expect(bench.posts).toBe(1);
});

it("is answered to whichever process gets it, and buys once though all get it at once", async () => {
  const [one, two, three] = await Promise.all([server(), server(), server()]);
  const wish = { ...WISH, force_new: true };
  const { state } = await one.call(wish);
  await afterReading();
  const answer = { requestState: state, inputResponses: ACCEPT };
  const answers = await Promise.all([one, two, three].map(({ call }) => call(wish, answer)));
  expect(answers.filter(({ text }) => text.includes("completed in"))).toHaveLength(1);
  expect(answers.filter(({ isQuestion }) => isQuestion)).toHaveLength(2);
  expect(bench.posts).toBe(1);
});

it("is nothing to a process on another folder", async () => {
  const here = await server();
  const { state } = await here.call(WISH);
  await afterReading();
  const elsewhere = await server({ LONGCAT_MCP_DATA_DIR: `${bench.dataDir}-other` });
  const answer = { requestState: state, inputResponses: ACCEPT };
  expect((await elsewhere.call(WISH, answer)).isQuestion).toBe(true);
  expect(bench.posts).toBe(0);
});
