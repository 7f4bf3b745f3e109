import { describe, expect, test } from "vitest";
import { textOf } from "../e2e/answers.ts";
import { Bench, TRANSPORTS } from "../e2e/harness.ts";
import { CLIENTS } from "../e2e/mcp-client.ts";
import { allEnded, verify } from "./witness.ts";

/** More by hand: the figure in the documentation is of 1,000. */
const REPEATS = Number(process.env["FAULT_REPEATS"] ?? 100);
const CALLS_EACH = 5;

describe.each(CLIENTS)("%s", (kind) => {
  describe.each(TRANSPORTS)("over %s", (transport) => {
    test("calls that are cut and repeated are one charge each", { timeout: 600_000 }, async () => {
      const bench = await Bench.open({ speed: 10 });
      try {
        const { client } = await bench.connect(kind, transport);
        const pictures = Math.ceil(REPEATS / CALLS_EACH / 4);
        for (let picture = 0; picture < pictures; picture++) {
          const args = { prompt: `Picture ${picture}`, image_size: "square_1_1" };
          for (let repeat = 1; repeat < CALLS_EACH; repeat++) {
            const cut = { signal: AbortSignal.timeout(40 * repeat - 30) };
            await client.call("longcat_image_generate", args, cut).catch(() => "cut");
          }
          // On a busy machine a cut call may not have arrived at all; the last one does.
          const last = await client.call("longcat_image_generate", args);
          expect(textOf(last)).toMatch(/^job_\w+ /);
        }
        const jobs = await allEnded(client);
        expect(jobs).toHaveLength(pictures);
        expect(await verify(bench, jobs)).toMatchObject({ charges: pictures, unknown: 0 });
      } finally {
        await bench.close();
      }
    });
  });
});
