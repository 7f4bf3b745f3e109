import { describe, expect, test } from "vitest";
import { WEBHOOK_POINTS } from "../../src/jobs/job-context.ts";
import { Bench } from "../e2e/harness.ts";
import { freePort } from "../support/free-port.ts";
import { allEnded, verify } from "./witness.ts";

const TOOL = "longcat_image_generate";
/** Ends what hangs; minutes for each, however busy the machine is. */
const TIMEOUT_MS = 600_000;

describe("the plug pulled", () => {
  for (const point of WEBHOOK_POINTS) {
    test(`at ${point}, nothing is lost and nothing bought twice`, {
      timeout: TIMEOUT_MS,
    }, async () => {
      const bench = await Bench.open({ speed: 40 });
      try {
        const env = { LONGCAT_MCP_PUBLIC_PORT: String(await freePort()) };
        const call = { prompt: `Cut at ${point}`, image_size: "landscape_4_3" };
        bench.sandbox.faults.add({ kind: "hang", match: { method: "POST" } });
        const doomed = await bench.connect("sdk 1.x", "stdio", {
          ...env,
          LONGCAT_MCP_TEST_CRASH_AT: point,
        });
        const killed = doomed.client.call(TOOL, call).catch(() => "killed");
        expect(await doomed.program.exited()).toBeNull();
        await killed;
        // The client repeats what was cut, as clients do.
        const { client } = await bench.connect("sdk 1.x", "stdio", env);
        await client.call(TOOL, call);
        const verdict = await verify(bench, await allEnded(client));
        expect(bench.posts).toBe(point === "after-secret" ? 0 : 1);
        expect(verdict.completed + verdict.unknown).toBe(1);
        // What was on disk when the plug was pulled leads to the request at the next start.
        if (point === "request-attached") expect(verdict.completed).toBe(1);
      } finally {
        await bench.close();
      }
    });
  }
});
