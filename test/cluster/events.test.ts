import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { jobIdOf, textOf } from "../e2e/answers.ts";
import { Bench, PATIENTLY } from "../e2e/harness.ts";
import { ask, freshDatabase } from "./fresh-database.ts";

let bench: Bench;
let url = "";
beforeEach(async () => {
  bench = await Bench.open({ speed: 2 });
  url = await freshDatabase();
});
afterEach(() => bench.close());

/** A machine of its own, as far as files go, with a client of the newest revision. */
async function replica(name: string, env: Record<string, string> = {}) {
  const { client } = await bench.connect("client 2.x", "http", {
    LONGCAT_MCP_DATABASE_URL: url,
    LONGCAT_MCP_DATA_DIR: join(bench.folder, name, "data"),
    LONGCAT_MCP_OUTPUT_DIR: join(bench.folder, name, "out"),
    ...env,
  });
  return client;
}

const PICTURE = { prompt: "A lighthouse", image_size: "square_1_1" };
const START = "z_image_turbo_generate";

describe("what one replica does with a job", () => {
  test.each([
    ["with hints", {}],
    ["behind a pooler, where nobody can listen", { LONGCAT_MCP_DATABASE_PREPARE: "off" }],
  ])("is told to whoever watches at another (%s)", async (_, env) => {
    const [one, other] = [await replica("one", env), await replica("other", env)];
    const jobId = jobIdOf(await one.call(START, { ...PICTURE, wait_seconds: 0 }));
    const events: string[] = [];
    const uri = `longcat://jobs/${jobId}`;
    await other.watch(uri, (event) => events.push(event));
    await vi.waitFor(async () => {
      const job = JSON.parse((await other.read(uri)).text);
      expect(job).toMatchObject({ state: "completed" });
    }, PATIENTLY);
    await vi.waitFor(() => {
      expect(events.some((event) => event.includes(uri))).toBe(true);
      expect(events.some((event) => /list/.test(event))).toBe(true);
    }, PATIENTLY);
    // An id, and nothing of what was asked.
    expect(events.join(" ")).not.toContain("lighthouse");
  });

  test("is the progress of a call that waits at another, which ends with it", async () => {
    const [one, other] = [await replica("one"), await replica("other")];
    const jobId = jobIdOf(await one.call(START, { ...PICTURE, wait_seconds: 0 }));
    const heard: string[] = [];
    const waited = await other.call(
      "job_status",
      { job_id: jobId, wait_seconds: 100 },
      { onProgress: (message) => heard.push(message) },
    );
    expect(textOf(waited)).toContain(jobId);
    const [row] = await ask(url, "SELECT state FROM longcat_mcp.jobs");
    expect(row).toEqual({ state: "completed" });
    expect(heard.length).toBeGreaterThan(0);
  });

  test("reaches a delegated answer that is stopped from another", async () => {
    const [one, other] = [await replica("one"), await replica("other")];
    const prompt = "Tell me a very long story. [[slow]]";
    const jobId = jobIdOf(await one.call("longcat_chat", { prompt, wait_seconds: 0 }));
    expect(jobId).not.toBe("");
    const stopped = await other.call("job_cancel", { job_id: jobId });
    expect(stopped.isError ?? false, textOf(stopped)).toBe(false);
    await vi.waitFor(async () => {
      const [row] = await ask(url, "SELECT state FROM longcat_mcp.jobs");
      expect(["cancelled", "completed"]).toContain(row?.["state"]);
    }, PATIENTLY);
  });
});
