import { readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { finished, jobIdOf } from "../e2e/answers.ts";
import { Bench, TRANSPORTS } from "../e2e/harness.ts";
import type { McpClient } from "../e2e/mcp-client.ts";
import { picture } from "../support/pictures.ts";
import { json, rawServer } from "../support/raw-server.ts";
import {
  accepted,
  CHAT_KEY,
  CHAT_SCENARIOS,
  FORMS,
  IMAGE_KEY,
  IMAGE_SCENARIOS,
  KEYS,
  newId,
  page,
  type Scenario,
  says,
  stream,
} from "./hostile-provider.ts";

/** Looks for what nobody may find: every form of both keys, by a look of its own. */
const NEEDLES = [
  ...FORMS,
  ...KEYS.flatMap((key) =>
    [0, 1, 2].flatMap((before) => {
      const bytes = Buffer.from(`${"x".repeat(before)}${key}`);
      const [start, end] = [Math.ceil((before * 8) / 6) + 4, -4];
      return [
        bytes.toString("base64").slice(start, end),
        bytes.toString("base64url").slice(start, end),
      ];
    }),
  ),
].map((needle) => needle.toLowerCase());

function expectNoKey(text: string, where: string): void {
  const lower = text.toLowerCase();
  for (const needle of NEEDLES) {
    if (lower.includes(needle)) expect.fail(`${needle} in ${where}: ${around(lower, needle)}`);
  }
}

function around(text: string, needle: string): string {
  const at = text.indexOf(needle);
  return text.slice(Math.max(0, at - 200), at + needle.length + 50);
}

async function expectNoKeyIn(folder: string): Promise<void> {
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name);
    expectNoKey(entry.name, `the name of ${path}`);
    if (entry.isFile()) expectNoKey((await readFile(path)).toString("latin1"), path);
  }
}

const QUEUED = { prompt: "A cat", image_size: "square_1_1" };

let bench: Bench;
beforeEach(async () => {
  bench = await Bench.open();
});
afterEach(() => bench.close());

describe.each(TRANSPORTS)("the built program over %s", (transport) => {
  it("lets nobody find a key, whatever a hostile provider does with it", async () => {
    let now: Partial<Scenario> = {};
    const server = await rawServer((hit, response) => {
      const { submit = accepted, status = says(404), media = page(404) } = now;
      const { chat = stream("openai"), models = says(401) } = now;
      if (hit.path.startsWith("/media/")) return media(response, hit);
      if (hit.path.includes("/models")) return models(response, hit);
      if (/chat\/completions|\/messages/.test(hit.path)) return chat(response, hit);
      if (/requests\/status|request-result/.test(hit.path)) return status(response, hit);
      return submit(response, hit);
    });
    const env = {
      PIXAZO_API_KEY: IMAGE_KEY,
      LONGCAT_API_KEY: CHAT_KEY,
      PIXAZO_BASE_URL: server.origin,
      PIXAZO_LEGACY_BASE_URL: server.origin,
      LONGCAT_BASE_URL: server.origin,
    };
    const { client, program } = await bench.connect("sdk 1.x", transport, env);
    const call = async (name: string, args: Record<string, unknown>) => {
      const first = await client.call(name, args, {
        onProgress: (said) => expectNoKey(said, name),
      });
      const jobId = jobIdOf(first);
      const last = jobId === "" ? first : await finished(client, jobId);
      expectNoKey(JSON.stringify([first, last]), `${name} ${JSON.stringify(args)}`);
      return last;
    };

    for (const [name, scenario] of Object.entries(IMAGE_SCENARIOS)) {
      now = scenario;
      for (const [tool, args] of [
        ["longcat_image_generate", QUEUED],
        ["qwen_image_generate", { prompt: "A cat" }],
        ["qwen_image_max_edit", { prompt: "A cat", image_urls: ["https://example.com/a.png"] }],
      ] as const) {
        const before = server.hits.length;
        await call(tool, { ...args, prompt: `${name} ${tool}`, wait_seconds: 20 });
        expect(server.hits.length).toBeGreaterThan(before);
      }
    }
    for (const scenario of [
      "status FAILED",
      "status COMPLETED with addresses that are keys",
      "status 404",
    ]) {
      now = IMAGE_SCENARIOS[scenario] ?? {};
      await call("job_status", { request_id: newId() });
      await call("longcat_image_legacy_status", { request_id: "XXXXXXXXXXXXX" });
    }
    now = { status: says(401) };
    for (const tool of ["job_status", "longcat_image_legacy_status"]) {
      const refused = await call(tool, { request_id: newId() });
      expect(JSON.stringify(refused)).toMatch(/PIXAZO_API_KEY/);
    }

    now = { models: says(401) };
    expect(JSON.stringify(await call("longcat_models", {}))).toContain("LONGCAT_API_KEY");
    now = {
      models: (response) =>
        json(response, 200, {
          data: FORMS.map((text) => ({
            id: text,
            name: text,
            owned_by: text,
            pricing: { prompt: text },
          })),
        }),
    };
    await call("longcat_models", {});

    for (const [name, chat] of Object.entries(CHAT_SCENARIOS)) {
      now = { chat };
      const before = server.hits.length;
      await call("longcat_chat", { prompt: name, wait_seconds: 20 });
      expect(server.hits.length).toBeGreaterThan(before);
    }
    for (const format of ["openai", "anthropic"] as const) {
      now = { chat: stream(format) };
      const answer = await call("longcat_chat", {
        prompt: format,
        api_format: format,
        wait_seconds: 20,
      });
      expect(JSON.stringify(answer)).toContain("[key removed]");
    }

    await expectPastedKeysRefused(client, () => server.hits.length);

    for (const [name, args] of [
      ["job_list", { limit: 100 }],
      ["spending", {}],
      ["chat_threads", {}],
    ] as const) {
      expectNoKey(JSON.stringify(await client.call(name, args)), name);
    }
    for (const uri of await client.listResources()) {
      const read = await client.read(uri).catch((error: unknown) => ({ text: String(error) }));
      expectNoKey(read.text, uri);
    }
    for (const args of [["doctor"], ["doctor", "--online"], ["jobs", "list"], ["jobs", "export"]]) {
      const command = bench.launch(args, env);
      await command.start();
      await command.exited();
      expectNoKey(command.output + command.stderr, args.join(" "));
    }
    await client.close();
    await program.kill("SIGTERM");
    expect(program.stderr).not.toBe("");
    expectNoKey(program.stderr, "stderr");
    expectNoKey(program.output, "stdout");
    await expectNoKeyIn(bench.folder);
  }, 300_000);
});

/** What a caller sends is stored, sent and shown: a key in it is refused, and what was sent is not. */
async function expectPastedKeysRefused(client: McpClient, sent: () => number): Promise<void> {
  const before = sent();
  await writeFile(join(bench.folder, "a.png"), await picture());
  for (const text of FORMS) {
    const tries = [
      ["longcat_image_generate", "prompt", { ...QUEUED, prompt: `Draw ${text}!` }],
      ["longcat_image_generate", "save_to", { ...QUEUED, save_to: `x${text}` }],
      ["qwen_image_edit", "image", { prompt: "x", image: `https://example.com/?k=${text}` }],
      ["longcat_chat", "prompt", { prompt: text }],
      ["longcat_chat", "system", { prompt: "x", system: text }],
      ["longcat_chat", "files", { prompt: "x", files: ["a.png", text] }],
      ["longcat_image_generate", "", { ...QUEUED, image_size: text }],
      ["longcat_image_generate", "", { ...QUEUED, [text]: text }],
      ["job_status", "", { job_id: text }],
      ["chat_threads", "", { action: "read", thread_id: text }],
    ] as const;
    for (const [tool, argument, args] of tries) {
      const answer = await client.call(tool, args);
      const said = JSON.stringify(answer);
      expect(answer.isError, `${tool} ${JSON.stringify(args)}: ${said}`).toBe(true);
      expect(said).toContain(argument);
      expect(said).not.toMatch(/job_[a-z2-7]{26}/);
      expectNoKey(said, tool);
    }
  }
  const long = await client.call("longcat_chat", { prompt: `${"x".repeat(200_000)}${CHAT_KEY}` });
  expect(JSON.stringify(long)).toContain("`prompt` holds an API key");
  expect(sent()).toBe(before);
}
