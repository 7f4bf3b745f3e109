import { stat } from "node:fs/promises";
import { describe, expect, test } from "vitest";
import { finished, jobIdOf, pathsOf, textOf } from "./answers.ts";
import { type Bench, PATIENTLY, type TransportKind } from "./harness.ts";
import type { ClientKind, ToolResult } from "./mcp-client.ts";

export const TURBO = { prompt: "A small boat at sea", image_size: "landscape_4_3" };

/** How a job goes on while its client waits, does not, or gives up. @param benchOf of the test that runs. */
export function describeCalls(
  benchOf: () => Bench,
  kind: ClientKind,
  transport: TransportKind,
): void {
  describe(`${kind} over ${transport}`, () => {
    test("a job that outlasts the wait comes back as an id, and later as pictures", async () => {
      benchOf().sandbox.faults.add({ kind: "slow", ms: 1500, match: { path: "/v2/requests" } });
      const { client } = await benchOf().connect(kind, transport);
      const started = await client.call("z_image_turbo_generate", { ...TURBO, wait_seconds: 0 });
      expect(textOf(started)).toMatch(/ is running for .*[\s\S]*Next: call `job_status`/);
      expect(started.content).toHaveLength(1);
      const done = await finished(client, jobIdOf(started));
      expect(done.content.map((block) => block.type)).toEqual(["text", "image", "resource_link"]);
    });

    test("a call that the client gives up does not stop its job", async () => {
      benchOf().sandbox.faults.add({ kind: "slow", ms: 1000, match: { path: "/v2/requests" } });
      const { client } = await benchOf().connect(kind, transport);
      const giveUp = new AbortController();
      const call = client.call("z_image_turbo_generate", TURBO, {
        signal: giveUp.signal,
        onProgress: (message) => {
          if (message.startsWith("Generating")) giveUp.abort();
        },
      });
      await expect(call).rejects.toThrow();
      const listed = await client.call("job_list", {});
      const done = await finished(client, jobIdOf(listed));
      expect(textOf(done)).toMatch(/ completed in /);
      expect(benchOf().posts).toBe(1);
    });

    test("progress tells state and time while a call waits", async () => {
      benchOf().sandbox.faults.add({ kind: "slow", ms: 300, match: { path: "/v2/requests" } });
      const { client } = await benchOf().connect(kind, transport);
      const messages: string[] = [];
      const told: { progress: number; total?: number | undefined }[] = [];
      await client.call("z_image_turbo_generate", TURBO, {
        onProgress: (message, of) => {
          messages.push(message);
          told.push(of);
        },
      });
      // Nothing is known of such jobs here, so the printed time is the whole.
      expect(new Set(told.map(({ total }) => total))).toEqual(new Set([6]));
      for (const [at, { progress }] of told.entries()) {
        expect(progress).toBeGreaterThan(told[at - 1]?.progress ?? 0);
        expect(progress).toBeLessThan(6);
      }
      expect(messages[0]).toMatch(/^Waiting to be sent, \d+ s/);
      expect(messages.some((message) => /^Generating, \d+ s/.test(message))).toBe(true);
    });
  });
}

/** @param benchOf of the test that runs. */
export function testEvents(benchOf: () => Bench, kind: ClientKind, transport: TransportKind): void {
  test(`events about a job and its files reach a listening ${kind} over ${transport}`, async () => {
    benchOf().sandbox.faults.add({ kind: "slow", ms: 500, match: { path: "/v2/requests" } });
    const { client } = await benchOf().connect(kind, transport);
    const started = await client.call("z_image_turbo_generate", { ...TURBO, wait_seconds: 0 });
    const uri = `longcat://jobs/${jobIdOf(started)}`;
    const events: string[] = [];
    await client.watch(uri, (one) => events.push(one));
    await finished(client, jobIdOf(started));
    await expect.poll(() => events, PATIENTLY).toContain("list_changed");
    expect(events).toContain(`updated ${uri}`);
    const updates = events.filter((one) => one.startsWith("updated"));
    expect(updates.every((one) => one === `updated ${uri}`)).toBe(true);
  });
}

/** @returns what a server said of a job with which it was killed. */
async function killedWhileItRuns(bench: Bench, kind: ClientKind): Promise<ToolResult> {
  bench.sandbox.faults.add({ kind: "slow", ms: 2000, match: { path: "/v2/requests" } });
  const { client, program } = await bench.connect(kind);
  const started = await client.call("z_image_turbo_generate", { ...TURBO, wait_seconds: 0 });
  await program.kill("SIGKILL");
  return started;
}

/** What becomes of a job whose server was killed. @param benchOf of the test that runs. */
export function describeRestarts(benchOf: () => Bench, kind: ClientKind): void {
  describe(`${kind}, a server that is started again`, () => {
    test("killed while a job runs and started again, it finishes the job with one purchase", async () => {
      const started = await killedWhileItRuns(benchOf(), kind);

      const second = await benchOf().connect(kind);
      const done = await finished(second.client, jobIdOf(started));
      expect(textOf(done)).toMatch(/ completed in /);
      expect((await stat(pathsOf(done)[0] ?? "")).size).toBeGreaterThan(1000);
      expect(benchOf().posts).toBe(1);
    });

    test("what completed while no client was there is mentioned once", async () => {
      const started = await killedWhileItRuns(benchOf(), kind);

      const { client } = await benchOf().connect(kind);
      const jobId = jobIdOf(started);
      await expect
        .poll(
          async () => JSON.parse((await client.read(`longcat://jobs/${jobId}`)).text).state,
          PATIENTLY,
        )
        .toBe("completed");
      const mention = JSON.stringify((await client.call("image_models", {})).content);
      expect(mention).toContain(jobId);
      expect(JSON.stringify((await client.call("image_models", {})).content)).not.toContain(jobId);
    });
  });
}
