import { describe, expect, test } from "vitest";
import { Bench, CLIENTS, TRANSPORTS } from "../e2e/harness.ts";
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
          for (let repeat = 0; repeat < CALLS_EACH; repeat++) {
            // On a busy machine a cut call may not have arrived at all; the last one does.
            const cut =
              repeat === CALLS_EACH - 1 ? {} : { signal: AbortSignal.timeout(10 + 40 * repeat) };
            await client.call("longcat_image_generate", args, cut).catch(() => "cut");
          }
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
