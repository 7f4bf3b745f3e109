import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { argumentsOf, asAdvised, SYNC, TURBO } from "./advice.ts";
import { jobIdOf, textOf } from "./answers.ts";
import { Bench } from "./harness.ts";
import type { McpClient } from "./mcp-client.ts";

let bench: Bench;
/** Of a program that asks its own sandbox. */
let sandboxed: McpClient;

beforeAll(async () => {
  bench = await Bench.open();
  const env = {
    LONGCAT_MCP_SANDBOX: "on",
    LONGCAT_MCP_SANDBOX_SPEED: "20",
    PIXAZO_API_KEY: "",
    LONGCAT_API_KEY: "",
  };
  ({ client: sandboxed } = await bench.connect("sdk 1.x", "stdio", env));
});

afterAll(() => bench.close());

describe("in the sandbox", () => {
  const FREE = /^(?:Note: )?SANDBOX, nothing was charged\.$/gm;
  /** Nobody has an account there. */
  const WORDS =
    /console|charg|settle|top up|account|subscription|bill|\bpaid\b|\bpay\b|bought|buy/i;

  it.each([
    ["status=400", TURBO],
    ["status=401", TURBO],
    ["status=402", TURBO],
    ["status=403", TURBO],
    ["status=500", TURBO],
    ["reset-after", TURBO],
    ["not-json", TURBO],
    ["job-failed=CUDA error", TURBO],
    ["job-failed=NSFW content", TURBO],
    ["job-error", TURBO],
    ["empty-media", TURBO],
    ["sync-no-image", SYNC],
    ["reset-after", SYNC],
    ["status=400", "longcat_chat"],
    ["status=401", "longcat_chat"],
    ["status=402", "longcat_chat"],
    ["reset-after", "longcat_chat"],
    ["not-json", "longcat_chat"],
  ])("%s of %s: no word of consoles or charges, and how to try again", async (fault, tool) => {
    const args = argumentsOf(tool, `A boat for ${tool} [[fault:${fault};times=1]]`);
    const failed = await sandboxed.call(tool, args);
    const text = textOf(failed);
    expect(failed.isError).toBe(true);
    expect(text).toMatch(FREE);
    // The imitated provider's own words are its own.
    const ours = text.replace(FREE, "").replace(/^job_.*$/m, "");
    expect(ours).not.toMatch(WORDS);
    const again = await asAdvised(sandboxed, text, args);
    expect(textOf(again)).toMatch(/ completed in /);
    expect(jobIdOf(again)).not.toBe(jobIdOf(failed));
  });
});
