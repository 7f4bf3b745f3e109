import { request } from "node:http";
import { text } from "node:stream/consumers";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { finished, jobIdOf } from "../e2e/answers.ts";
import { Bench, listeningUrl, PATIENTLY, TEST_KEY } from "../e2e/harness.ts";
import { freePort } from "../support/free-port.ts";
import { parseExposition } from "../support/prometheus.ts";

const TRACE = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
const START = { prompt: "A quiet harbour", image_size: "square_1_1", wait_seconds: 45 };
let bench: Bench;

beforeEach(async () => {
  bench = await Bench.open();
});

afterEach(() => bench.close());

async function watched(env: Record<string, string> = {}) {
  const port = await freePort();
  const options = { LONGCAT_MCP_METRICS_PORT: String(port), ...env };
  const { client, program } = await bench.connect("sdk 1.x", "http", options);
  const page = async () => {
    const reply = await fetch(`http://127.0.0.1:${port}/metrics`);
    expect(reply.headers.get("content-type")).toBe("text/plain; version=0.0.4; charset=utf-8");
    return reply.text();
  };
  return { client, program, port, page, url: await listeningUrl(program) };
}

describe("what Prometheus is told", () => {
  test("are the jobs, their money, what took how long, and how the server stands; nobody's name", async () => {
    const { client, page } = await watched({
      LONGCAT_MCP_PRICES: '{"z_image_turbo_generate":0.25}',
    });
    const jobId = jobIdOf(await client.call("z_image_turbo_generate", START));
    await finished(client, jobId);
    const read = async () => {
      const { samples } = parseExposition(await page());
      return (name: string, labels: Record<string, string> = {}) =>
        samples.find(
          (one) =>
            one.name === name &&
            Object.entries(labels).every(([label, value]) => one.labels[label] === value),
        )?.value;
    };
    const operation = "z_image_turbo_generate";
    // What was read a moment ago is good for a second.
    await expect
      .poll(async () => (await read())("longcat_mcp_jobs", { state: "completed" }), PATIENTLY)
      .toBe(1);
    const figure = await read();
    expect(figure("longcat_mcp_money_usd", { charge: "spent" })).toBe(0.25);
    expect(figure("longcat_mcp_money_usd", { charge: "uncertain" })).toBe(0);
    for (const what of ["submit", "download"]) {
      expect(figure(`longcat_mcp_${what}_duration_seconds_count`, { operation })).toBe(1);
    }
    expect(figure("longcat_mcp_poll_duration_seconds_count", { operation })).toBeGreaterThan(0);
    expect(
      figure("longcat_mcp_http_requests_total", { route: "/mcp", status: "200" }),
    ).toBeGreaterThan(1);
    expect(figure("longcat_mcp_ready")).toBe(1);
    expect(figure("longcat_mcp_store_up")).toBe(1);
    expect(figure("longcat_mcp_draining")).toBe(0);
    expect(figure("process_resident_memory_bytes")).toBeGreaterThan(1e6);
    const all = await page();
    for (const secret of [TEST_KEY, "local", "harbour", jobId, bench.folder]) {
      expect(all).not.toContain(secret);
    }
  });

  test("is told on its own port only, to this machine only", async () => {
    const { port, url } = await watched();
    const answer = (at: number, path: string, options: object = {}) =>
      new Promise<{ status: number | undefined; body: string }>((resolve, reject) => {
        request({ host: "127.0.0.1", port: at, path, ...options }, (reply) => {
          text(reply).then((body) => resolve({ status: reply.statusCode, body }), reject);
        })
          .once("error", reject)
          .end();
      });
    expect((await answer(Number(url.port), "/metrics")).status).toBe(404);
    for (const path of ["/", "/mcp", "/healthz", "/metrics/", "//metrics"]) {
      expect((await answer(port, path)).status, path).toBe(404);
    }
    expect((await answer(port, "/metrics", { method: "POST" })).status).toBe(405);
    const rebound = await answer(port, "/metrics", { headers: { host: "monitor.example" } });
    expect(rebound.status).toBe(403);
    expect(rebound.body).not.toContain("longcat_mcp_");
    const second = bench.launch(["http", "--port", "0"], {
      LONGCAT_MCP_METRICS_PORT: String(port),
    });
    expect(await second.exited()).toBe(2);
    expect(second.stderr).toMatch(/LONGCAT_MCP_METRICS_PORT cannot be listened on: it is in use/);
  });

  test("is said as well while the server has no key, and is not ready", async () => {
    const { page, url } = await watched({ PIXAZO_API_KEY: "", LONGCAT_API_KEY: "" });
    const { samples } = parseExposition(await page());
    expect(samples.find(({ name }) => name === "longcat_mcp_ready")?.value).toBe(0);
    const reply = await fetch(new URL("/readyz", url));
    expect(reply.status).toBe(503);
    expect(await reply.json()).toEqual({
      status: "unavailable",
      reasons: ["There is no API key that can be used."],
    });
  });
});

test("lines of the log say for which request, job and owner they are; the trace goes to the provider", async () => {
  const { client, program } = await bench.connect("sdk 1.x", "http", {
    LONGCAT_MCP_LOG_LEVEL: "info",
  });
  const url = await listeningUrl(program);
  const reply = await fetch(url, {
    method: "POST",
    headers: {
      "content-type": "application/json",
      accept: "application/json, text/event-stream",
      "mcp-protocol-version": "2025-06-18",
    },
    body: JSON.stringify({
      ...{ jsonrpc: "2.0", id: 1, method: "tools/call" },
      params: {
        ...{ name: "z_image_turbo_generate", arguments: START, _meta: { traceparent: TRACE } },
      },
    }),
  });
  const jobId = /job_[a-z2-7]{26}/.exec(await reply.text())?.[0] ?? "";
  await finished(client, jobId);
  const lines = () =>
    program.stderr
      .split("\n")
      .flatMap((line): Record<string, unknown>[] =>
        line.startsWith("{") ? [JSON.parse(line)] : [],
      );
  await expect.poll(() => lines().some(({ to }) => to === "completed"), PATIENTLY).toBe(true);
  const moves = lines().filter((line) => line["msg"] === "job moved");
  const [first] = moves;
  expect(first).toMatchObject({ job: jobId, traceparent: TRACE });
  for (const move of moves) {
    expect(move).toMatchObject({
      ...{ job: jobId, request: first?.["request"], owner: "25bf8e1a2393f110", traceparent: TRACE },
    });
  }
  const answered = lines().find(({ tool }) => tool === "z_image_turbo_generate");
  expect(answered).toMatchObject({ request: first?.["request"], isError: false });
  const asked = bench.sandbox.requests().filter(({ path }) => !/\.(png|jpe?g|webp)/.test(path));
  expect(asked.length).toBeGreaterThan(1);
  expect(JSON.stringify(asked)).toContain(TRACE);
});
