import type { ServerResponse } from "node:http";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { finished, jobIdOf, textOf } from "../e2e/answers.ts";
import { Bench, listeningUrl, PATIENTLY } from "../e2e/harness.ts";
import { accepted, completed, file, scriptedGateway } from "../support/gateway-script.ts";
import { openListening } from "../support/http-callers.ts";
import { picture } from "../support/pictures.ts";

const START = { prompt: "A quiet harbour", image_size: "square_1_1", wait_seconds: 45 };
let bench: Bench;

beforeEach(async () => {
  bench = await Bench.open();
});

afterEach(() => bench.close());

/** A gateway that takes a purchase when the test wants it to. */
async function patientGateway() {
  const held: ServerResponse[] = [];
  const gateway = await scriptedGateway({
    submit: [(response) => held.push(response)],
    status: [completed("a.png")],
    media: [file(await picture())],
  });
  return {
    env: { PIXAZO_BASE_URL: gateway.origin },
    posts: () => gateway.posts.length,
    /** Answers what was sent. */
    take() {
      const hit = gateway.posts.at(-1);
      for (const response of held.splice(0)) if (hit) accepted(response, hit);
    },
  };
}

async function ready(url: URL) {
  const reply = await fetch(new URL("/readyz", url));
  return { code: reply.status, body: await reply.json() };
}

describe("a server over HTTP that is asked to end", () => {
  test("answers what waits, starts nothing, finishes what is in flight, and leaves the rest to the next", async () => {
    const gateway = await patientGateway();
    const env = { ...gateway.env, LONGCAT_MCP_DRAIN_SECONDS: "600" };
    const { client, program } = await bench.connect("sdk 1.x", "http", env);
    const url = await listeningUrl(program);
    expect(await ready(url)).toEqual({ code: 200, body: { status: "ready" } });

    const waiting = client.call("longcat_image_generate", START);
    await expect.poll(gateway.posts, PATIENTLY).toBe(1);
    program.child.kill("SIGTERM");
    // At once: nothing but the purchase in flight is waited for.
    const answer = await waiting;
    const jobId = jobIdOf(answer);
    expect(textOf(answer)).toContain(`${jobId} is submitting`);
    expect(await ready(url)).toEqual({
      code: 503,
      body: { status: "unavailable", reasons: ["The server is shutting down."] },
    });
    expect((await fetch(new URL("/healthz", url))).status).toBe(200);

    const refused = await client.call("longcat_image_generate", { ...START, prompt: "Another" });
    expect(refused.isError).toBe(true);
    expect(textOf(refused)).toMatch(/cancelled.*shutting down.*nothing was sent or bought/s);
    const chat = await client.call("longcat_chat", { prompt: "Hello" });
    expect(textOf(chat)).toMatch(/shutting down and starts nothing new/);
    const looked = await client.call("job_status", { job_id: jobId, wait_seconds: 45 });
    expect(textOf(looked)).toContain(`${jobId} is submitting`);
    expect(program.child.exitCode).toBeNull();

    gateway.take();
    expect(await program.exited()).toBe(0);
    expect(gateway.posts()).toBe(1);

    const next = await bench.connect("client 2.x", "stdio", env);
    expect(textOf(await finished(next.client, jobId))).toContain(`${jobId} completed`);
    expect(gateway.posts()).toBe(1);
    expect(textOf(await next.client.call("job_list", {}))).not.toContain("Another");
  });

  test("ends streams as the protocol wants it, and is gone at once where nothing is in flight", async () => {
    const program = bench.launch(["http", "--port", "0"], { LONGCAT_MCP_DRAIN_SECONDS: "600" });
    const url = await listeningUrl(program);
    const stream = await openListening(url);
    expect(stream.status).toBe(200);
    const whole = stream.text();
    program.child.kill("SIGTERM");
    // What breaks off would throw.
    const messages = (await whole)
      .split("\n")
      .flatMap((line) => (line.startsWith("data: {") ? [JSON.parse(line.slice(6))] : []));
    expect(messages.at(-1)).toMatchObject({ jsonrpc: "2.0", id: 7, result: {} });
    expect(await program.exited()).toBe(0);
  });

  test("gives what is in flight no more time than it was told", async () => {
    const gateway = await patientGateway();
    const env = { ...gateway.env, LONGCAT_MCP_DRAIN_SECONDS: "1" };
    const { client, program } = await bench.connect("client 2.x", "http", env);
    const waiting = client.call("longcat_image_generate", START);
    await expect.poll(gateway.posts, PATIENTLY).toBe(1);
    program.child.kill("SIGTERM");
    const jobId = jobIdOf(await waiting);
    expect(await program.exited()).toBe(0);
    const next = await bench.connect("sdk 1.x", "stdio", env);
    const seen = await finished(next.client, jobId);
    expect(textOf(seen)).toContain("unknown");
    expect(gateway.posts()).toBe(1);
  });

  test("is gone at once when it is asked again", async () => {
    const gateway = await patientGateway();
    const env = { ...gateway.env, LONGCAT_MCP_DRAIN_SECONDS: "3600" };
    const { client, program } = await bench.connect("sdk 1.x", "http", env);
    const waiting = client.call("longcat_image_generate", START);
    await expect.poll(gateway.posts, PATIENTLY).toBe(1);
    program.child.kill("SIGTERM");
    await waiting;
    program.child.kill("SIGTERM");
    expect(await program.exited()).toBe(143);
  });
});

describe("a server on stdio that is asked to end", () => {
  test.each(["SIGTERM", "SIGINT"] as const)(
    "by %s answers what waits, and finishes what is in flight",
    async (signal) => {
      const gateway = await patientGateway();
      const { client, program } = await bench.connect("client 2.x", "stdio", gateway.env);
      const waiting = client.call("longcat_image_generate", START);
      await expect.poll(gateway.posts, PATIENTLY).toBe(1);
      program.child.kill(signal);
      const jobId = jobIdOf(await waiting);
      expect(jobId).not.toBe("");
      gateway.take();
      expect(await program.exited()).toBe(0);
      const next = await bench.connect("sdk 1.x", "stdio", gateway.env);
      expect(textOf(await finished(next.client, jobId))).toContain(`${jobId} completed`);
      expect(gateway.posts()).toBe(1);
    },
  );

  test("is gone at once where nothing is in flight, though a job runs, which the next takes up", async () => {
    bench.sandbox.faults.add({ kind: "job-stuck" });
    const { client, program } = await bench.connect("sdk 1.x");
    const waiting = client.call("longcat_image_generate", START);
    await expect.poll(() => /"to":"running"/.test(program.stderr), PATIENTLY).toBe(true);
    program.child.kill("SIGTERM");
    expect(textOf(await waiting)).toMatch(/job_\w+ is running/);
    expect(await program.exited()).toBe(0);
  });
});
