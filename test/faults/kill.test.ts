import { describe, expect, test, vi } from "vitest";
import { LIFE_POINTS } from "../../src/jobs/job-context.ts";
import { Bench, PATIENTLY } from "../e2e/harness.ts";
import { CLIENTS } from "../e2e/mcp-client.ts";
import { allEnded, verify } from "./witness.ts";

/** More by hand: the figures in the documentation are of 100 rounds and 300 kills. */
const ROUNDS = Number(process.env["FAULT_ROUNDS"] ?? 3);
const RANDOM_KILLS = Number(process.env["FAULT_KILLS"] ?? 100);
const KILLS_PER_BENCH = 20;
/** Ends what hangs; minutes for each, however busy the machine is. */
const TIMEOUT_MS = 600_000 + 60_000 * ROUNDS;

/** One call of each kind: a queued operation, a synchronous one, several files. */
const CALLS = [
  { name: "longcat_image_generate", args: { image_size: "landscape_4_3" } },
  { name: "qwen_image_generate", args: { size: "512*512" } },
  {
    name: "z_image_turbo_generate",
    args: { image_size: "square_1_1", num_images: 2, save_to: "out/copies" },
  },
] as const;

async function withBench(run: (bench: Bench) => Promise<void>): Promise<void> {
  const bench = await Bench.open({ speed: 40 });
  try {
    await run(bench);
  } finally {
    await bench.close();
  }
}

describe.concurrent("the plug pulled", () => {
  for (const point of LIFE_POINTS) {
    test(
      `at ${point}, the job is delivered or in doubt, and bought once`,
      { timeout: TIMEOUT_MS },
      () =>
        withBench(async (bench) => {
          for (let round = 0; round < ROUNDS; round++) {
            const { name, args } = CALLS[round % CALLS.length] ?? CALLS[0];
            const kind = CLIENTS[round % CLIENTS.length] ?? "sdk 1.x";
            const call = { ...args, prompt: `Round ${round} of ${point}` };
            const doomed = await bench.connect(kind, "stdio", { LONGCAT_MCP_TEST_CRASH_AT: point });
            const killed = doomed.client.call(name, call).catch(() => "killed");
            // A synchronous operation is never looked at: it ends by itself.
            const isSync = name === "qwen_image_generate" && point.endsWith("-look");
            if (isSync) await killed;
            else expect(await doomed.program.exited()).toBeNull();
            await doomed.program.kill("SIGKILL");

            // The client repeats what was cut, as clients do.
            const { client, program } = await bench.connect(kind);
            await client.call(name, call);
            await allEnded(client);
            await program.kill("SIGKILL");
          }
          const { client } = await bench.connect("sdk 1.x");
          const verdict = await verify(bench, await allEnded(client));
          // Nobody knows whether these were sent, so none is sent again; all others are delivered.
          const isAmbiguous = ["before-post", "after-reply"].includes(point);
          expect(verdict).toMatchObject(
            isAmbiguous ? { unknown: ROUNDS, completed: 0 } : { unknown: 0, completed: ROUNDS },
          );
          expect(verdict.charges).toBe(point === "before-post" ? 0 : ROUNDS);
        }),
    );
  }

  test(
    "after the POST's bytes, the job is in doubt and not bought again",
    { timeout: TIMEOUT_MS },
    () =>
      withBench(async (bench) => {
        for (let round = 0; round < ROUNDS; round++) {
          const { name, args } = CALLS[round % CALLS.length] ?? CALLS[0];
          const call = { ...args, prompt: `Round ${round} in flight` };
          bench.sandbox.faults.add({ kind: "hang", match: { prompt: `Round ${round} in flight` } });
          const doomed = await bench.connect("sdk 1.x");
          const killed = doomed.client.call(name, call).catch(() => "killed");
          await vi.waitUntil(() => bench.posts === round + 1, PATIENTLY);
          await doomed.program.kill("SIGKILL");
          await killed;
          const { client, program } = await bench.connect("sdk 1.x");
          await client.call(name, call);
          await program.kill("SIGKILL");
        }
        const { client } = await bench.connect("sdk 1.x");
        const verdict = await verify(bench, await allEnded(client));
        expect(verdict).toMatchObject({ completed: 0, unknown: ROUNDS });
        expect(bench.posts).toBe(ROUNDS);
      }),
  );

  for (let part = 0; part < Math.ceil(RANDOM_KILLS / KILLS_PER_BENCH); part++) {
    test(`at random times (${part + 1})`, { timeout: 1_800_000 }, () =>
      withBench(async (bench) => {
        const random = seeded(part + 1);
        const lifeMs = await timeOfOneLife(bench);
        for (let kill = 0; kill < KILLS_PER_BENCH; kill++) {
          const kind = CLIENTS[kill % CLIENTS.length] ?? "sdk 1.x";
          const { client, program } = await bench.connect(kind);
          // Each new call, and the one before it again: its answer may have been lost.
          const calls = [kill, kill - 1]
            .filter((n) => n >= 0)
            .map((n) => {
              const { name, args } = CALLS[n % CALLS.length] ?? CALLS[0];
              return client.call(name, { ...args, prompt: `Picture ${n}` }).catch(() => "killed");
            });
          await new Promise((resolve) => setTimeout(resolve, random() * lifeMs * 1.5));
          await program.kill("SIGKILL");
          await Promise.all(calls);
        }
        const { client } = await bench.connect("sdk 1.x");
        const jobs = await allEnded(client);
        const { completed, unknown, notSent } = await verify(bench, jobs);
        expect(completed + unknown + notSent).toBe(jobs.length);
      }),
    );
  }
});

/** How long a program takes here and now from its start to a finished picture, in milliseconds. */
async function timeOfOneLife(bench: Bench): Promise<number> {
  const startedAt = performance.now();
  const { client, program } = await bench.connect("sdk 1.x");
  await client.call(CALLS[0].name, { ...CALLS[0].args, prompt: "Nobody disturbs this one" });
  const lifeMs = performance.now() - startedAt;
  await program.kill("SIGKILL");
  return lifeMs;
}

/** The same sequence every time (mulberry32): a failure can be repeated. */
function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}
