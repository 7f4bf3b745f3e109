import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { beforeEach, describe, expect, test } from "vitest";
import * as z from "zod";
import { type Bench, listeningUrl, openBench, PATIENTLY } from "../e2e/harness.ts";
import { bearer, PING } from "../support/http-server.ts";
import { json, type RawServer, rawServer } from "../support/raw-server.ts";

/* The built program over HTTP, whose users have money and keys of their own. */

const SHARED = "shared-key-9f8e7d6c5b4a";
const ANNAS = "anna-key-0f1E2d3C4b5A6978";
const REQUEST_ID = "longcat-image-498_019dabcd-0000-7000-8000-";

const answer = z.looseObject({
  result: z.looseObject({
    isError: z.boolean().optional(),
    content: z.array(z.looseObject({ text: z.string().optional() })),
  }),
});

let bench: Bench;
let provider: RawServer;
beforeEach(async () => {
  bench = await openBench();
  let jobs = 0;
  provider = await rawServer((hit, response) => {
    if (hit.body.includes("echo")) {
      return json(response, 400, { error: `no: ${hit.headers["ocp-apim-subscription-key"]}` });
    }
    const request_id = REQUEST_ID + String(jobs++).padStart(12, "0");
    if (hit.method === "POST") return json(response, 202, { request_id, status: "QUEUED" });
    return json(response, 200, { request_id, status: "PROCESSING" });
  });
});

async function serve(env: Record<string, string> = {}) {
  const program = bench.launch(["http", "--port", "0"], {
    ...{
      PIXAZO_API_KEY: SHARED,
      PIXAZO_BASE_URL: provider.origin,
      LONGCAT_MCP_POLL_FLOOR_MS: "20",
    },
    ...env,
  });
  const url = await listeningUrl(program);
  url.hostname = "127.0.0.1";
  const send = (token: string, message: unknown) =>
    fetch(url, {
      method: "POST",
      headers: {
        "content-type": "application/json",
        accept: "application/json, text/event-stream",
        ...bearer(token),
      },
      body: JSON.stringify(message),
    });
  /** What a tool answers, its first text. */
  const call = async (token: string, name: string, args: object): Promise<string> => {
    const params = { name, arguments: args };
    const reply = await send(token, { jsonrpc: "2.0", id: 1, method: "tools/call", params });
    const text = await reply.text();
    const body = /^data: (.*)$/m.exec(text)?.[1] ?? text;
    return answer.parse(JSON.parse(body)).result.content[0]?.text ?? "";
  };
  const start = (token: string, prompt: string, seconds = 0) =>
    call(token, "longcat_image_generate", {
      ...{ prompt, image_size: "square_1_1", wait_seconds: seconds },
    });
  return { program, send, call, start };
}

describe("keys", () => {
  test("of their own are what users pay with, and who has none never has the shared one", async () => {
    const keys = join(bench.homeDir, "keys");
    await mkdir(join(keys, "anna"), { recursive: true });
    await writeFile(join(keys, "anna/PIXAZO_API_KEY"), `${ANNAS}\n`, { mode: 0o600 });
    const [anna, berta] = [await bench.addUser("anna"), await bench.addUser("berta")];
    const server = await serve({ LONGCAT_MCP_KEYS_DIR: keys });
    expect(await server.start(anna, "a cat")).toMatch(/^job_/);
    await expect
      .poll(() => provider.hits.some(({ method }) => method === "GET"), PATIENTLY)
      .toBe(true);

    const refused = await server.start(berta, "a cat");
    expect(refused).toMatch(/^configuration: .*PIXAZO_API_KEY/);
    expect(refused).not.toContain(keys);
    const used = new Set(provider.hits.map(({ headers }) => headers["ocp-apim-subscription-key"]));
    expect(used).toEqual(new Set([ANNAS]));

    const echoed = await server.start(anna, "echo", 20);
    expect(echoed).toContain("[key removed]");
    expect(echoed).not.toContain(ANNAS);
    expect(server.program.stderr).not.toContain(ANNAS);
    await writeFile(join(keys, "anna/PIXAZO_API_KEY"), "anna-key-of-tomorrow-123456");
    expect(await server.start(anna, `echo ${"x"}`, 20)).toContain("[key removed]");
    expect(provider.hits.at(-1)?.headers["ocp-apim-subscription-key"]).toBe(
      "anna-key-of-tomorrow-123456",
    );
    expect(await server.start(berta, `what is ${ANNAS}?`)).not.toContain(ANNAS);
  });
});

describe("money", () => {
  test("is capped for each and for all, and each sees what is theirs", async () => {
    const anna = await bench.addUser("anna", "--budget-day", "0.20");
    const berta = await bench.addUser("berta");
    const server = await serve({ LONGCAT_MCP_BUDGET_USD_PER_DAY: "0.30" });
    expect(await server.start(anna, "one")).toMatch(/^job_/);
    expect(await server.start(anna, "two")).toMatch(
      /^over_budget: .*of the \$0\.20 of this user's budget a day/,
    );
    expect(await server.start(berta, "three")).toMatch(/^job_/);
    const refused = await server.start(berta, "four");
    expect(refused).toMatch(/^over_budget: .*which is for all users together/);
    expect(refused).not.toContain("0.30");
    expect(provider.hits.filter(({ method }) => method === "POST")).toHaveLength(2);

    const shown = z.looseObject({ reserved_usd: z.number(), budget: z.looseObject({}) });
    const of = async (token: string) =>
      shown.parse(JSON.parse(await server.call(token, "spending", {})));
    expect(await of(anna)).toMatchObject({ budget: { per_day_usd: 0.2, per_month_usd: null } });
    const bertas = await of(berta);
    expect(bertas.budget).toMatchObject({ per_day_usd: null, left_today_usd: null });
    expect(bertas.reserved_usd).toBe((await of(anna)).reserved_usd);
  });
});

describe("limits", () => {
  test("of jobs and waits are told with seconds", async () => {
    const [anna, berta] = [await bench.addUser("anna"), await bench.addUser("berta")];
    const server = await serve({
      LONGCAT_MCP_MAX_RUNNING_JOBS_PER_USER: "2",
      LONGCAT_MCP_MAX_WAITS_PER_USER: "1",
      LONGCAT_MCP_MAX_WAIT_SECONDS: "3600",
    });
    // For as long as the test takes, on any machine.
    const waiting = server.start(anna, "one", 3_600);
    await expect.poll(() => provider.hits.length, PATIENTLY).toBeGreaterThan(0);
    expect(await server.start(anna, "two", 30)).toMatch(/^rate_limited: .*wait[\s\S]*in 5 s/);
    expect(await server.start(anna, "two")).toMatch(/^job_/);
    const refused = await server.start(anna, "three");
    expect(refused).toMatch(/^rate_limited: .*have not ended[\s\S]*in 10 s/);
    expect(await server.start(berta, "one")).toMatch(/^job_/);
    await server.program.kill("SIGTERM");
    await waiting.catch(() => undefined);
  });

  test("of requests are told with 429 and Retry-After, to whom they are reached by", async () => {
    const [anna, berta] = [await bench.addUser("anna"), await bench.addUser("berta")];
    const server = await serve({ LONGCAT_MCP_REQUESTS_PER_MINUTE_PER_USER: "1" });
    const statuses: number[] = [];
    let retryAfter = 0;
    const ask = async () => {
      const reply = await server.send(anna, PING);
      await reply.text();
      statuses.push(reply.status);
      retryAfter = Number(reply.headers.get("retry-after"));
      return reply.status;
    };
    await expect.poll(ask, PATIENTLY).toBe(429);
    expect(retryAfter).toBeGreaterThan(0);
    expect(retryAfter).toBeLessThanOrEqual(60);
    expect(new Set(statuses)).toEqual(new Set([200, 429]));
    expect((await server.send(berta, PING)).status).toBe(200);
  });
});
