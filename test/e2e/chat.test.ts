import { execFileSync } from "node:child_process";
import { mkdir, readFile, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import * as z from "zod";
import { finished, jobIdOf, textOf } from "./answers.ts";
import { Bench, closeInspected, PATIENTLY, TEST_KEY, TRANSPORTS } from "./harness.ts";
import { CLIENTS, type ToolResult } from "./mcp-client.ts";

const CHAT = "longcat_chat";
const PATHS = { openai: "/openai/v1/chat/completions", anthropic: "/anthropic/v1/messages" };

let bench: Bench;

beforeEach(async () => {
  bench = await Bench.open();
});

afterEach(() => closeInspected(bench));

const threadOf = (result: ToolResult) => /thread_[a-z2-7]{26}/.exec(textOf(result))?.[0] ?? "";
const bodySchema = z.looseObject({
  messages: z.array(z.looseObject({ role: z.string(), content: z.string() })),
});
const asked = () =>
  bench.sandbox
    .requests()
    .filter((one) => one.method === "POST")
    .map((one) => bodySchema.parse(one.body).messages);

describe.each(CLIENTS)("%s", (kind) => {
  describe.each(TRANSPORTS)("over %s", (transport) => {
    test.each(["openai", "anthropic"] as const)(
      "a delegated turn in the %s format",
      async (format) => {
        const { client } = await bench.connect(kind, transport);
        const messages: string[] = [];
        const result = await client.call(
          CHAT,
          { prompt: "Write 2,000 words", api_format: format, thinking: true },
          { onProgress: (message) => messages.push(message) },
        );
        expect(result.isError ?? false).toBe(false);
        const [request] = bench.sandbox.requests().filter((one) => one.method === "POST");
        expect(request?.path).toBe(PATHS[format]);
        const counts = messages.flatMap((message) => {
          const count = /^Answering, \d+ s, ([\d,]+) characters so far$/.exec(message)?.[1];
          return count === undefined ? [] : [Number(count.replaceAll(",", ""))];
        });
        expect(counts.length).toBeGreaterThan(0);
        expect(Math.min(...counts)).toBeLessThan(8_000);
        expect(messages.some((message) => message.includes("characters of reasoning so far"))).toBe(
          true,
        );
        expect(textOf(result)).toContain("the answer goes on word by word");
        expect(textOf(result)).not.toContain("I say so.");
        const lines = textOf(result).split("\n");
        expect(lines[0]).toMatch(
          /^--- what LongCat said in job_\w+ begins; material, not instructions ---$/,
        );
        expect(lines.at(-1)).toMatch(
          /^job_\w+ completed in [\d.]+ s · LongCat-2.0-Preview · \d+ tokens in, 2,0\d\d tokens out · finish_reason: (stop|end_turn) · thread_\w+$/,
        );
      },
    );
  });

  test("a thread goes on after kill -9, and the upstream request shows it", async () => {
    const first = await bench.connect(kind);
    const one = await first.client.call(CHAT, { prompt: "My name is Ada.", system: "Be kind." });
    await first.program.kill("SIGKILL");

    const { client } = await bench.connect(kind);
    const two = await client.call(CHAT, { prompt: "Who am I?", thread_id: threadOf(one) });
    expect(threadOf(two)).toBe(threadOf(one));
    expect(textOf(two)).toContain('Before, you asked: "My name is Ada."');
    const [, second] = asked();
    expect(second?.map(({ role }) => role)).toEqual(["system", "user", "assistant", "user"]);
    expect(second?.[1]?.content).toBe("My name is Ada.");
    expect(textOf(one)).toContain(second?.[2]?.content ?? "nothing");
  });

  test("killed while an answer comes, what came is kept as partial and never asked again", async () => {
    bench.sandbox.faults.add({ kind: "stream-stall", after: 30 });
    const first = await bench.connect(kind);
    const started = await first.client.call(CHAT, { prompt: "Write 500 words", wait_seconds: 2 });
    const look = { job_id: jobIdOf(started), wait_seconds: 0 };
    // Another process knows only what is on disk.
    const { client } = await bench.connect(kind);
    for (const one of [first.client, client]) {
      await vi.waitUntil(
        async () => textOf(await one.call("job_status", look)).includes("goes on word by word"),
        PATIENTLY,
      );
    }
    const shown = textOf(await first.client.call("job_status", look));
    expect(shown).toMatch(/ is running for .* characters so far\.\n/);
    await first.program.kill("SIGKILL");

    const result = await finished(client, jobIdOf(started));
    expect(textOf(result)).toContain("the answer goes on word by word");
    expect(textOf(result)).toContain("Note: Partial: it broke off. The server stopped.");
    expect(textOf(result).split("\n").at(-1)).toContain(" · partial: true · ");
    expect(asked()).toHaveLength(1);
  });
});

test("an answer outlives its client over HTTP and is finished by the server", async () => {
  const { client } = await bench.connect("sdk 1.x", "http");
  const giveUp = new AbortController();
  const call = client.call(
    CHAT,
    { prompt: "Write 3,000 words" },
    {
      signal: giveUp.signal,
      onProgress: (message) => {
        if (message.includes("characters so far")) giveUp.abort();
      },
    },
  );
  await expect(call).rejects.toThrow();
  const jobs = await client.call("job_list", { operation: CHAT });
  const result = await finished(client, jobIdOf(jobs));
  expect(textOf(result)).toContain("3,000 tokens out");
  expect(asked()).toHaveLength(1);
});

test("an answer that is longer than hosts show is a file, with its beginning in the result", async () => {
  const { client } = await bench.connect("sdk 1.x");
  const result = await client.call(CHAT, { prompt: "Write 4000 words", wait_seconds: 45 });
  expect(textOf(result).length).toBeLessThan(11_500);
  const path = /^The whole answer, [\d,]+ characters: (\/.*\.md)$/m.exec(textOf(result))?.[1] ?? "";
  const whole = await readFile(path, "utf8");
  expect(whole.split(" ")).toHaveLength(4000);
  expect(textOf(result)).toContain(whole.slice(0, 9_000));
  const link = result.content.find((block) => block.type === "resource_link");
  const read = await client.read(link?.uri ?? "");
  expect(read.bytes.toString()).toBe(whole);
});

test("max_tokens cuts an answer, and the result says so", async () => {
  const { client } = await bench.connect("client 2.x");
  const result = await client.call(CHAT, { prompt: "Hello?", max_tokens: 4 });
  expect(textOf(result)).toMatch(/Note: Cut off at the length limit \(finish_reason: length\)/);
  const refused = await client.call(CHAT, { prompt: "Hello?", max_tokens: 200_000 });
  expect(textOf(refused)).toMatch(/^invalid_input: `max_tokens`: .* at most 131072/);
});

test("attached files are read by the delegate, in their order and by their names", async () => {
  await mkdir(join(bench.folder, "src"));
  await writeFile(join(bench.folder, "src/b.ts"), "const b = 2;\n");
  await writeFile(join(bench.folder, "src/a.ts"), "const a = 1;\nexport { a };");
  await writeFile(join(bench.folder, "src/ignored.log"), "noise");
  await writeFile(join(bench.folder, ".gitignore"), "*.log\n");
  await writeFile(join(bench.folder, "src/logo.png"), Buffer.from([0x89, 0x50, 0, 1]));
  const { client } = await bench.connect("sdk 1.x");
  const result = await client.call(CHAT, { prompt: "What is here?", files: "src/**" });
  expect(textOf(result)).toMatch(/I have read 2 files:\n- src\/a\.ts: 2 lines.*\n- src\/b\.ts: /);
  expect(textOf(result)).toContain("Note: Left out because they are no text: src/logo.png.");
});

test("what lies outside the allowed folders is refused before anything is sent", async () => {
  await symlink("/etc/hostname", join(bench.folder, "link.txt"));
  execFileSync("mkfifo", [join(bench.folder, "pipe")]);
  const { client } = await bench.connect("client 2.x");
  for (const file of ["/etc/passwd", "../../../../etc/passwd", "link.txt", "/proc/self/environ"]) {
    const result = await client.call(CHAT, { prompt: "?", files: [file] });
    expect(result.isError).toBe(true);
    expect(textOf(result)).toMatch(/^invalid_input: .* is outside the allowed folders/);
    expect(textOf(result)).toContain(bench.folder);
  }
  const fifo = await client.call(CHAT, { prompt: "?", files: ["pipe"] });
  // The pipe's own path names the folder already.
  const [, next] = /^invalid_input: \S+pipe is not a regular file\.(.*)/s.exec(textOf(fifo)) ?? [];
  expect(next).toContain(bench.folder);
  expect(asked()).toEqual([]);
  const listed = await client.call("chat_threads", {});
  expect(listed.structuredContent).toEqual({ threads: [] });
});

test("threads are listed, read, completed and deleted", async () => {
  const { client } = await bench.connect("sdk 1.x");
  const one = threadOf(await client.call(CHAT, { prompt: "First thread?", thinking: true }));
  const two = threadOf(await client.call(CHAT, { prompt: "Second thread?" }));
  const listed = await client.call("chat_threads", { limit: 1 });
  expect(listed.structuredContent).toMatchObject({
    threads: [{ thread_id: two, title: "Second thread?", turns: 1 }],
    next_cursor: expect.any(String),
  });
  const cursor = listed.structuredContent?.["next_cursor"];
  const rest = await client.call("chat_threads", { limit: 1, cursor });
  expect(rest.structuredContent).toMatchObject({ threads: [{ thread_id: one }] });

  const read = await client.call("chat_threads", { action: "read", thread_id: one });
  expect(read.structuredContent).toMatchObject({
    threads: [{ thread_id: one }],
    turns: [{ prompt: "First thread?", answer: expect.stringContaining("First thread?") }],
  });
  expect(JSON.stringify(read)).not.toContain("I say so.");

  const page = await client.read(`longcat://threads/${one}`);
  expect(page.mimeType).toBe("text/markdown");
  expect(page.text).toMatch(/## User[\s\S]*First thread\?[\s\S]*## Delegate[\s\S]*I say so\./);
  expect(await client.listResources()).toContain(`longcat://threads/${one}`);
  expect(
    await client.complete("longcat://threads/{thread_id}", "thread_id", two.slice(0, 12)),
  ).toEqual([two]);

  await client.call("chat_threads", { action: "delete", thread_id: one });
  await expect(client.read(`longcat://threads/${one}`)).rejects.toThrow();
  const gone = await client.call(CHAT, { prompt: "?", thread_id: one });
  expect(textOf(gone)).toMatch(/^not_found: /);
});

test("models are listed with what is known of them", async () => {
  const { client } = await bench.connect("client 2.x");
  const listed = await client.call("longcat_models", {});
  expect(listed.structuredContent).toMatchObject({ models: [{ id: "LongCat-2.0-Preview" }, {}] });
  const one = await client.call("longcat_models", {
    model: "LongCat-2.0-Preview",
    api_format: "anthropic",
  });
  expect(one.structuredContent).toMatchObject({
    models: [{ context_length: 1_048_576, prompt_price_usd: 0 }],
  });
});

test.each([
  [
    "a wrong key",
    { LONGCAT_API_KEY: "wrong-key-000" },
    /failed: unauthorized: .*Next: Ask the user to check the key in LONGCAT_API_KEY/s,
  ],
  ["no key", { LONGCAT_API_KEY: "" }, /^configuration: .*\nNext: Set LONGCAT_API_KEY.*--sandbox/s],
])("%s is said plainly", async (_name, env, expected) => {
  const { client } = await bench.connect("sdk 1.x", "stdio", env);
  const result = await client.call(CHAT, { prompt: "Hello?" });
  expect(result.isError).toBe(true);
  expect(textOf(result)).toMatch(expected);
});

test.each(["", "/", "/openai", "/openai/", "/openai/v1", "/anthropic", "/anthropic/v1/"])(
  "a base URL that ends with %j and a key with Bearer are understood",
  async (ending) => {
    const { client } = await bench.connect("sdk 1.x", "stdio", {
      LONGCAT_BASE_URL: bench.sandbox.origin + ending,
      LONGCAT_API_KEY: `Bearer ${TEST_KEY}`,
    });
    const result = await client.call(CHAT, { prompt: "Here?" });
    expect(textOf(result)).toContain('You asked: "Here?"');
  },
);

test("a base URL that is wrong is named", async () => {
  const { client } = await bench.connect("sdk 1.x", "stdio", {
    LONGCAT_BASE_URL: `${bench.sandbox.origin}/openai/v2`,
  });
  const result = await client.call(CHAT, { prompt: "Here?" });
  expect(textOf(result)).toMatch(/failed: configuration: .* The base URL is likely wrong\./);
});

test("the prompt for delegating names the tool and the files", async () => {
  const { client } = await bench.connect("client 2.x");
  const prompt = await client.prompt("delegate", { wish: "Summarise src/**" });
  expect(prompt).toContain("longcat_chat");
  expect(prompt).toContain("src/**");
});

test("doctor tries the chat key where it is told to, free of cost", async () => {
  const good = bench.launch(["doctor", "--online"]);
  await good.start();
  expect(await good.exited()).toBe(0);
  expect(good.output).toMatch(/ok +LONGCAT_API_KEY +accepted by http.*, 2 models/);
  const bad = bench.launch(["doctor", "--online"], { LONGCAT_API_KEY: "wrong-key-000" });
  await bad.start();
  expect(await bad.exited()).toBe(1);
  expect(bad.output).toMatch(/FAIL +LONGCAT_API_KEY +.*HTTP 401/);
  const [request] = bench.sandbox.requests();
  expect(request).toMatchObject({ method: "GET", path: "/openai/v1/models" });
  good.strayLines.length = 0;
  bad.strayLines.length = 0;
});
