import { afterEach, beforeEach, describe, expect, it } from "vitest";
import * as z from "zod";
import { Bench, listeningUrl } from "../e2e/harness.ts";
import { CALLER_KEYS } from "../support/envelope.ts";

/* Calls that are answered with a task: the wire as a client has it that lists the extension. */

const TASKS = "io.modelcontextprotocol/tasks";
const WISH = { prompt: "A slow cat", wait_seconds: 0 };

const answerSchema = z.object({
  result: z.record(z.string(), z.unknown()).optional(),
  error: z
    .object({ code: z.number(), message: z.string(), data: z.unknown().optional() })
    .optional(),
});

let bench: Bench;
let url: URL;
let token: string | undefined;
beforeEach(async () => {
  bench = await Bench.open({ speed: 0.25 });
  token = undefined;
});
afterEach(() => bench.close());

async function serve(): Promise<void> {
  url = await listeningUrl(bench.launch(["http", "--port", "0"]));
}

/** One request, as it is written: with the extension or without. */
async function ask(method: string, params: Record<string, unknown>, lists = true) {
  const name = params["name"] ?? params["taskId"];
  const _meta = {
    [CALLER_KEYS.version]: "2026-07-28",
    [CALLER_KEYS.client]: { name: "wire", version: "1.0.0" },
    [CALLER_KEYS.capabilities]: lists ? { extensions: { [TASKS]: {} } } : {},
  };
  const response = await fetch(url, {
    method: "POST",
    headers: {
      "Content-Type": "application/json",
      Accept: "application/json, text/event-stream",
      "MCP-Protocol-Version": "2026-07-28",
      "Mcp-Method": method,
      ...(typeof name === "string" && { "Mcp-Name": name }),
      ...(token !== undefined && { Authorization: `Bearer ${token}` }),
    },
    body: JSON.stringify({ jsonrpc: "2.0", id: 1, method, params: { ...params, _meta } }),
  });
  const text = await response.text();
  const json = /^data: (\{.*\})$/m.exec(text)?.[1] ?? text;
  return { text: json, ...answerSchema.parse(JSON.parse(json)) };
}

const call = (args: Record<string, unknown>, lists = true) =>
  ask("tools/call", { name: "qwen_image_generate", arguments: args }, lists);

/** Asks until a task is over. */
async function over(taskId: unknown) {
  for (;;) {
    const { result } = await ask("tasks/get", { taskId });
    if (result?.["status"] !== "working") return result;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

describe("a call of a client that takes tasks", () => {
  it("is answered with one when it does not wait, and the task ends with the result", async () => {
    await serve();
    const { result = {} } = await call(WISH);
    expect(result).toEqual({
      resultType: "task",
      taskId: expect.stringMatching(/^job_[a-z2-7]{26}$/),
      status: "working",
      statusMessage: expect.stringMatching(/^(queued|submitting|running|downloading), \d+ s/),
      createdAt: expect.stringMatching(/^\d{4}-\d\d-\d\dT/),
      lastUpdatedAt: expect.stringMatching(/^\d{4}-\d\d-\d\dT/),
      ttlMs: null,
      pollIntervalMs: expect.any(Number),
      _meta: expect.any(Object),
    });
    const done = await over(result["taskId"]);
    expect(done).toMatchObject({
      resultType: "complete",
      taskId: result["taskId"],
      status: "completed",
      createdAt: result["createdAt"],
    });
    expect(JSON.stringify(done?.["result"])).toContain(`${String(result["taskId"])} completed in`);
    // It is the same job, and the same call brings it.
    const again = await call(WISH);
    expect(again.text).toContain(String(result["taskId"]));
    expect(again.result).not.toHaveProperty("taskId");
    expect(bench.posts).toBe(1);
  });

  it("is answered with the result itself where that comes in time", async () => {
    await serve();
    const { result } = await call({ ...WISH, wait_seconds: 40 });
    expect(result).toMatchObject({ resultType: "complete", content: expect.any(Array) });
    expect(result).not.toHaveProperty("taskId");
  });

  it("ends with what went wrong as the tool says it", async () => {
    await serve();
    // It may have failed before it is answered at all: it is asked for by its id in any case.
    const { text } = await call({ ...WISH, prompt: "[[fault:job-failed]] a cat" });
    const done = await over(/job_[a-z2-7]{26}/.exec(text)?.[0]);
    expect(done).toMatchObject({ status: "completed", result: { isError: true } });
  });

  it("can be cancelled, asked and told without harm, and again", async () => {
    await serve();
    const { result } = await call(WISH);
    const { taskId } = z.object({ taskId: z.string() }).parse(result);
    for (const method of ["tasks/cancel", "tasks/update", "tasks/cancel"]) {
      const told = await ask(method, { taskId, inputResponses: { x: { action: "accept" } } });
      expect(Object.keys(told.result ?? {}).sort()).toEqual(["_meta", "resultType"]);
      expect(told.result?.["resultType"]).toBe("complete");
    }
    // What was sent may have been accepted: then it is paid for, and comes home.
    expect(["completed", "cancelled"]).toContain((await over(taskId))?.["status"]);
    expect(bench.posts).toBeLessThanOrEqual(1);
  });
});

it("a client that does not list it sees nothing of it", async () => {
  await serve();
  const { result, text } = await call(WISH, false);
  expect(result).toMatchObject({ resultType: "complete" });
  expect(text).not.toContain("taskId");
  const found = await ask("server/discover", {}, false);
  expect(found.text).not.toContain(TASKS);
  expect((await ask("server/discover", {})).text).toContain(`"extensions":{"${TASKS}":{}}`);
  for (const method of ["tasks/get", "tasks/cancel", "tasks/update"]) {
    expect((await ask(method, { taskId: "job_x" }, false)).error).toMatchObject({
      code: -32021,
      data: { requiredCapabilities: { extensions: { [TASKS]: {} } } },
    });
  }
});

it("somebody else's task and one that never was are the same", async () => {
  const [ann, bob] = [await bench.addUser("ann"), await bench.addUser("bob")];
  await serve();
  token = ann;
  const { result } = await call(WISH);
  const taskId = String(result?.["taskId"]);
  expect(taskId).toMatch(/^job_/);
  token = bob;
  for (const method of ["tasks/get", "tasks/cancel", "tasks/update"]) {
    const others = await ask(method, { taskId });
    const made = await ask(method, { taskId: taskId.replace(/.{4}$/, "aaaa") });
    const nonsense = await ask(method, { taskId: "../../etc" });
    expect(others.error).toEqual({ code: -32602, message: "There is no such task." });
    expect([made.error, nonsense.error]).toEqual([others.error, others.error]);
  }
  token = ann;
  expect((await over(taskId))?.["status"]).toBe("completed");
});
