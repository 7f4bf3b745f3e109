import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Client as ModernClient } from "@modelcontextprotocol/client";
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { InMemoryTransport } from "@modelcontextprotocol/sdk/inMemory.js";
import type { McpServer } from "@modelcontextprotocol/server";
import { beforeAll, describe, expect, it, onTestFinished } from "vitest";
import * as z from "zod";
import { startSandbox } from "../../src/cli/sandbox.ts";
import { systemClock } from "../../src/core/clock.ts";
import { Lazy } from "../../src/core/lazy.ts";
import { createRedact } from "../../src/core/redact.ts";
import { HostedFolder } from "../../src/inputs/hosted-folder.ts";
import { JobEvents } from "../../src/jobs/events.ts";
import { openRuntime } from "../../src/runtime.ts";
import { ServerFactory } from "../../src/server.ts";
import { readSettings } from "../../src/settings/settings.ts";
import { until } from "../support/rig.ts";
import { silentLog } from "../support/tool-deps.ts";

/** One program for two owners, with everything real, on the built-in provider. */
async function openHouse() {
  const folder = await mkdtemp(join(tmpdir(), "longcat-mcp-test-"));
  const settings = readSettings({
    env: {
      HOME: "/home/nobody",
      LONGCAT_MCP_SANDBOX: "1",
      LONGCAT_MCP_DATA_DIR: `${folder}/data`,
      LONGCAT_MCP_OUTPUT_DIR: `${folder}/out`,
    },
    flags: {},
    platform: "linux",
    workingDir: folder,
    readFile: () => "",
  });
  const redact = createRedact([]);
  const events = new JobEvents();
  const common = { settings, clock: systemClock, log: silentLog, redact, events };
  const reached = () => {};
  const runtime = await openRuntime({
    ...common,
    reached,
    proxies: {},
    startSandbox: () => startSandbox(1_000),
    publicPlace: {
      folder: new HostedFolder(`${folder}/data/hosted`, "this-process"),
      isConfigured: false,
      open: async () => 9,
      require: async () => {},
    },
    holder: "this-process",
    homeOwner: "local",
    isGone: () => false,
  });
  const factory = new ServerFactory({
    ...common,
    reached,
    version: "1",
    services: new Lazy(async () => runtime),
  });
  return {
    factory,
    async close() {
      await runtime.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

type AnyClient = Client | ModernClient;

function textOf(result: unknown): string {
  return JSON.stringify(result);
}

/** What a client hears of without asking. */
function listen(client: Client): string[] {
  const heard: string[] = [];
  client.fallbackNotificationHandler = async (notification) => {
    heard.push(textOf(notification));
  };
  return heard;
}

const madeSchema = z.string().transform((text) => ({
  jobId: /job_[a-z2-7]{26}/.exec(text)?.[0] ?? "",
  threadId: /thread_[a-z2-7]{26}/.exec(text)?.[0] ?? "",
}));

describe("what belongs to another owner", () => {
  let house: Awaited<ReturnType<typeof openHouse>>;
  let requestId: string;
  let jobId: string;
  let chatJobId: string;
  let threadId: string;
  let secrets: string[];

  async function connect<C extends AnyClient>(owner: string, client: C): Promise<C> {
    const server: McpServer = house.factory.create({
      owner,
      era: "legacy",
      lasting: true,
      onDelivered: () => {},
    });
    const [ours, theirs] = InMemoryTransport.createLinkedPair();
    await Promise.all([server.connect(theirs), client.connect(ours)]);
    return client;
  }
  const old = (owner: string) => connect(owner, new Client({ name: "old", version: "1" }));
  const modern = (owner: string) => connect(owner, new ModernClient({ name: "new", version: "1" }));

  beforeAll(async () => {
    house = await openHouse();
    const ada = await old("ada");
    const call = async (name: string, args: Record<string, unknown>) =>
      madeSchema.parse(textOf(await ada.callTool({ name, arguments: args })));
    const picture = { prompt: "Adas own garden", image_size: "square_1_1", wait_seconds: 45 };
    jobId = (await call("longcat_image_generate", { ...picture, idempotency_key: "k" })).jobId;
    const chat = { prompt: "Adas own question", wait_seconds: 45 };
    ({ jobId: chatJobId, threadId } = await call("longcat_chat", chat));
    const job = textOf(await ada.readResource({ uri: `longcat://jobs/${jobId}` }));
    requestId = /request_id[^:]*:\s*\\+"([^"\\]+)/.exec(job)?.[1] ?? "";
    expect(job).toContain("completed");
    expect(requestId).not.toBe("");
    secrets = ["Adas own", "ada/", "garden"];
    await ada.close();
    return () => house.close();
  }, 150_000);

  const clients = [
    ["an old client", old],
    ["a modern client", modern],
  ] as const;

  function expectNothingOfAdas(text: string, ...named: string[]): void {
    for (const secret of secrets) expect(text).not.toContain(secret);
    for (const id of [jobId, chatJobId, threadId, requestId]) {
      if (!named.includes(id)) expect(text).not.toContain(id);
    }
  }

  describe.each(clients)("asked for by %s", (_, open) => {
    it("is not found by any tool that takes an id", async () => {
      const ben: AnyClient = await open("ben");
      const medium = `longcat://media/${jobId}/1`;
      const guesses: [string, Record<string, unknown>][] = [
        ["job_status", { job_id: jobId }],
        ["job_status", { job_id: chatJobId }],
        ["job_status", { job_id: jobId, redownload: true }],
        ["job_status", { request_id: requestId }],
        ["job_status", { job_id: jobId, request_id: requestId }],
        ["longcat_image_legacy_status", { request_id: requestId }],
        ["job_cancel", { job_id: jobId }],
        ["chat_threads", { action: "read", thread_id: threadId }],
        ["chat_threads", { action: "delete", thread_id: threadId }],
        ["longcat_chat", { prompt: "And?", thread_id: threadId }],
        ["longcat_chat", { prompt: "Look", files: [medium] }],
        ["longcat_chat", { prompt: "Look", files: [`longcat://threads/${threadId}`] }],
        ["qwen_image_edit", { prompt: "Blue", image: medium }],
        ["qwen_image_max_edit", { prompt: "Blue", image_urls: [medium] }],
        ["qwen_image_layered", { image_url: medium }],
      ];
      for (const [name, args] of guesses) {
        const result = await ben.callTool({ name, arguments: args });
        const text = textOf(result);
        expect(result, `${name} ${textOf(args)}`).toMatchObject({ isError: true });
        expect(text, name).toMatch(/not_found|There is no/);
        expectNothingOfAdas(text, ...Object.values(args).flat().map(String), jobId, threadId);
      }
    });

    it("is in no list, and in no sum", async () => {
      const ben: AnyClient = await open("carl");
      for (const [name, args] of [
        ["job_list", {}],
        ["chat_threads", {}],
        ["spending", {}],
        ["image_models", {}],
      ] as const) {
        const text = textOf(await ben.callTool({ name, arguments: args }));
        expectNothingOfAdas(text);
        if (name === "spending") expect(text).toMatch(/total_usd\\*":\s*0[,}]/);
      }
      expectNothingOfAdas(textOf(await ben.listResources()));
    });

    it("is no resource, and completes nothing", async () => {
      const ben: AnyClient = await open("ben");
      for (const uri of [
        `longcat://jobs/${jobId}`,
        `longcat://media/${jobId}/1`,
        `longcat://media/${jobId}/1/preview`,
        `longcat://threads/${threadId}`,
      ]) {
        await expect(ben.readResource({ uri }), uri).rejects.toThrow(/not found/i);
      }
      for (const [uri, name, value] of [
        ["longcat://jobs/{job_id}", "job_id", "job_"],
        ["longcat://media/{job_id}/{index}", "job_id", "job_"],
        ["longcat://media/{job_id}/{index}", "index", ""],
        ["longcat://threads/{thread_id}", "thread_id", "thread_"],
      ] as const) {
        const { completion } = await ben.complete({
          ref: { type: "ref/resource", uri },
          argument: { name, value },
          context: { arguments: { job_id: jobId } },
        });
        expectNothingOfAdas(textOf(completion));
        if (name === "index") expect(completion.values).toEqual([]);
      }
    });
  });

  it("stands for no call of somebody else, not by its key nor by what it asks for", async () => {
    const ben = await old("ben");
    const call = { prompt: "Adas own garden", image_size: "square_1_1", wait_seconds: 45 };
    for (const args of [{ ...call, idempotency_key: "k" }, call]) {
      const text = textOf(await ben.callTool({ name: "longcat_image_generate", arguments: args }));
      expect(text).toContain("completed");
      expect(text).toContain("/users/ben/");
      expect(text).not.toContain(jobId);
    }
  });

  it("is heard of by its owner only, even by who has subscribed to it", async () => {
    const [ada, ben] = [await old("ada"), await old("ben")];
    onTestFinished(async () => {
      await ada.close();
      await ben.close();
    });
    const [adas, bens] = [listen(ada), listen(ben)];
    const prompt = "Adas other garden";
    const started = await ada.callTool({
      name: "longcat_image_generate",
      arguments: { prompt, image_size: "square_1_1", wait_seconds: 0 },
    });
    const { jobId: other } = madeSchema.parse(textOf(started));
    for (const client of [ada, ben]) {
      await client.subscribeResource({ uri: `longcat://jobs/${other}` });
    }
    await ada.callTool({ name: "job_status", arguments: { job_id: other, wait_seconds: 45 } });
    await until(() => adas.some((one) => one.includes("list_changed")), "an event for the owner");
    // What was sent to Ben before this answer has arrived by then.
    await ben.callTool({ name: "job_list", arguments: {} });
    expect(bens).toEqual([]);
  });
});
