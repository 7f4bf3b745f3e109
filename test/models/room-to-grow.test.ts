import { Client, InMemoryTransport } from "@modelcontextprotocol/client";
import { expect, it, onTestFinished, vi } from "vitest";
import packageJson from "../../package.json" with { type: "json" };
import { Lazy } from "../../src/core/lazy.ts";
import { LOCAL_CALLER } from "../../src/core/owner.ts";
import { URI_TEMPLATES, uris } from "../../src/core/uris.ts";
import { manifestFile } from "../../src/docs/manifest.ts";
import { toolsReference } from "../../src/docs/tools-reference.ts";
import { toolsTables } from "../../src/docs/tools-tables.ts";
import { JobEvents } from "../../src/jobs/events.ts";
import { OPERATIONS } from "../../src/models/catalogue.ts";
import { startSandbox } from "../../src/sandbox/sandbox-server.ts";
import { ServerFactory } from "../../src/server.ts";
import { readSettings } from "../../src/settings/settings.ts";
import type { Services } from "../../src/tools/services.ts";
import { Waits } from "../../src/tools/waits.ts";
import { openRig } from "../support/rig.ts";
import { idleToolDeps } from "../support/tool-deps.ts";
import { MAX_TOOL_TOKENS, tokensOf } from "../support/tool-tokens.ts";

/*
 * One file of data and one line in the catalogue: everything else has to find a new operation there.
 */
const NAME = "made_up_image_generate";

vi.mock(import("../../src/models/catalogue.ts"), async (importOriginal) => {
  const original = await importOriginal();
  const { madeUp } = await import("../support/made-up-operation.ts");
  const all = [...original.OPERATIONS, madeUp];
  return {
    ...original,
    OPERATIONS: all,
    operationNamed: (name: string) => all.find((one) => one.name === name),
    operationOfRequestId: (requestId: string) =>
      all.find((one) => one.kind === "queued" && requestId.startsWith(`${one.modelId}_`)),
  };
});

async function connect(deps = idleToolDeps()): Promise<Client> {
  const factory = new ServerFactory({ ...deps, version: "0.0.0", events: new JobEvents() });
  const connection = {
    era: "legacy",
    lasting: true,
    caller: LOCAL_CALLER,
    onDelivered: () => {},
  } as const;
  const [ours, theirs] = InMemoryTransport.createLinkedPair();
  const client = new Client({ name: "test", version: "0.0.0" });
  await Promise.all([factory.create(connection).connect(ours), client.connect(theirs)]);
  onTestFinished(() => client.close());
  return client;
}

it("is in the list of tools, which stays within its budget", async () => {
  const { tools } = await (await connect()).listTools();
  const tool = tools.find(({ name }) => name === NAME);
  expect(tool?.inputSchema).toMatchObject({
    properties: { prompt: {}, webhook: {}, wait_seconds: {}, max_cost_usd: {} },
    required: ["prompt", "image_size"],
  });
  expect(tools.filter(({ name }) => name === NAME)).toHaveLength(1);
  expect(tokensOf(tools)).toBeLessThanOrEqual(MAX_TOOL_TOKENS);
});

it("has a card, and is where operations are named", async () => {
  const client = await connect();
  const { contents } = await client.readResource({ uri: uris.model(NAME) });
  const [card] = contents;
  expect(JSON.parse(card && "text" in card ? card.text : "")).toMatchObject({
    operation: NAME,
    price_usd: 0.07,
    image_sizes: ["landscape_4_3", "portrait_3_4", "square_1_1", "square_hd"],
    example: { prompt: "A cat" },
  });
  const { completion } = await client.complete({
    ref: { type: "ref/resource", uri: URI_TEMPLATES.model },
    argument: { name: "operation", value: "made" },
  });
  expect(completion.values).toEqual([NAME]);
  const compared = await client.callTool({ name: "image_models", arguments: {} });
  expect(JSON.stringify(compared.structuredContent)).toContain(NAME);
});

it("is in the reference, the tables and the bundle's manifest", () => {
  expect(toolsReference()).toContain(`### \`${NAME}\``);
  expect(toolsReference()).toContain("POST /made-up-1/v1/made-up-request");
  expect(toolsTables()).toContain(
    `| \`${NAME}\` | Made-up: text to image | $0.07 per image | 12 s |`,
  );
  expect(manifestFile(packageJson)).toContain(`"name": "${NAME}"`);
});

it("can be given a price", () => {
  const env = { HOME: "/home/somebody", LONGCAT_MCP_PRICES: JSON.stringify({ [NAME]: 0.5 }) };
  const settings = readSettings({
    env,
    flags: {},
    platform: "linux",
    workingDir: "/",
    readFile: () => "",
  });
  expect(settings.prices).toEqual({ [NAME]: 0.5 });
});

it("is refused by a sandbox that does not know it, at no cost and with what to do", async () => {
  const sandbox = await startSandbox();
  onTestFinished(() => sandbox.close());
  const rig = await openRig({ origin: sandbox.origin });
  const job = await rig.start(NAME, { prompt: "A cat", image_size: "square_1_1" });
  const failed = await rig.reached(job, "failed");
  expect(failed).toMatchObject({ charge: "none", error: { code: "upstream_rejected" } });
  expect(failed.error?.message).toContain("/made-up-1/v1/made-up-request");

  const services = new Lazy(
    async () => ({ jobs: rig.runner, waits: new Waits(16) }) as unknown as Services,
  );
  const client = await connect({ ...idleToolDeps(), services });
  const status = await client.callTool({ name: "job_status", arguments: { job_id: job.jobId } });
  expect(JSON.stringify(status.content)).toContain(NAME);
  expect(OPERATIONS.length).toBe(11);
});
