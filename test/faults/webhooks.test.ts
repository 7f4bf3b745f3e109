import { describe, expect, test } from "vitest";
import { PASSED_ON_POINTS, WEBHOOK_POINTS } from "../../src/jobs/job-context.ts";
import { jobIdOf, textOf } from "../e2e/answers.ts";
import { Bench, PATIENTLY } from "../e2e/harness.ts";
import { freePort, statusAt } from "../support/free-port.ts";
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

  for (const point of PASSED_ON_POINTS) {
    test(`at ${point}, of two processes, the job goes on in the one that is left`, {
      timeout: TIMEOUT_MS,
    }, async () => {
      const bench = await Bench.open({ speed: 40 });
      try {
        const port = await freePort();
        const env = {
          LONGCAT_MCP_PUBLIC_PORT: String(port),
          // Nothing but a webhook has anybody look.
          LONGCAT_MCP_POLL_FLOOR_MS: "3600000",
        };
        const doomed = { LONGCAT_MCP_TEST_CRASH_AT: point };
        const withThePort = point === "webhook-passed-on";
        const first = await bench.connect("sdk 1.x", "stdio", {
          ...env,
          ...(withThePort ? doomed : {}),
        });
        await first.client.call("job_list", {});
        await expect.poll(() => statusAt(port), PATIENTLY).toBe(404);
        const second = await bench.connect("sdk 1.x", "stdio", {
          ...env,
          ...(withThePort ? {} : doomed),
        });
        const [killed, left] = withThePort ? [first, second] : [second, first];
        let isGone = false;
        const exited = killed.program.exited().finally(() => {
          isGone = true;
        });
        const completed = async (jobId: string) =>
          textOf(await left.client.call("job_status", { job_id: jobId, wait_seconds: 0 })).includes(
            "completed",
          );
        // One that is told of before it is noted as accepted is passed on in another way.
        let bought = 0;
        while (!isGone) {
          const prompt = `Cut at ${point}, ${++bought}`;
          const call = { prompt, image_size: "landscape_4_3", wait_seconds: 0 };
          const jobId = jobIdOf(await second.client.call(TOOL, call));
          await expect.poll(async () => isGone || completed(jobId), PATIENTLY).toBe(true);
        }
        expect(await exited).toBeNull();
        const verdict = await verify(bench, await allEnded(left.client));
        expect(verdict).toMatchObject({ completed: bought, charges: bought });
      } finally {
        await bench.close();
      }
    });
  }
});
