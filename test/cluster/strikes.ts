import { readFile } from "node:fs/promises";
import { expect, vi } from "vitest";
import type { LifePoint } from "../../src/jobs/job-context.ts";
import type { ChildTransport } from "../e2e/child-transport.ts";
import { PATIENTLY } from "../e2e/harness.ts";
import { BUCKET_FAULTS, type BucketFault } from "./bucket-proxy.ts";
import type { Tally, ThreeReplicas } from "./three-replicas.ts";

/** Longer than a replica may show no life. */
const PAST_THE_LEASE_MS = 12_000;

/** What is done where a replica is with a job. */
export const STRIKES = ["killed", "frozen", "cut", "restarted", ...BUCKET_FAULTS] as const;
export type Strike = (typeof STRIKES)[number];

interface Struck {
  replicas: ThreeReplicas;
  /** Stopped where it is, or dead. */
  program: ChildTransport;
  prompts: readonly string[];
}

const delay = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

/** @returns once nothing is wrong any more. */
const DONE: Readonly<Record<Exclude<Strike, BucketFault>, (struck: Struck) => Promise<void>>> = {
  killed: async () => {},
  frozen: async ({ replicas, program, prompts }) => {
    await delay(PAST_THE_LEASE_MS);
    await replicas.beginAgain(prompts);
    await replicas.allOver();
    program.child.kill("SIGCONT");
  },
  cut: async ({ replicas, program }) => {
    await replicas.cutConnections();
    program.child.kill("SIGCONT");
    for (let n = 0; n < 3; n++) {
      await delay(100);
      await replicas.cutConnections();
    }
  },
  restarted: async ({ replicas: { server }, program }) => {
    await server.kill();
    program.child.kill("SIGCONT");
    await delay(500);
    await server.start();
  },
};

function isOfBucket(strike: Strike): strike is (typeof BUCKET_FAULTS)[number] {
  return BUCKET_FAULTS.some((fault) => fault === strike);
}

async function failingBucket({ replicas, program }: Struck, fault: BucketFault): Promise<void> {
  replicas.bucket.fail(fault);
  program.child.kill("SIGCONT");
  // Each job meets it, or was past it: until then somebody asks the bucket for something.
  await vi
    .waitFor(() => expect(replicas.bucket.failures()).toBeGreaterThan(0), {
      ...{ timeout: 5_000, interval: 50 },
    })
    .catch(() => undefined);
  await delay(1_000);
  replicas.bucket.fail();
}

/**
 * Several jobs at three replicas, one of which is struck where it is with one of them. Whoever got no
 * answer asks again elsewhere.
 */
export async function round(
  replicas: ThreeReplicas,
  point: LifePoint,
  strike: Strike,
  name: string,
): Promise<Tally> {
  const signal = strike === "killed" ? "SIGKILL" : "SIGSTOP";
  const { client, program } = await replicas.start({
    LONGCAT_MCP_TEST_CRASH_AT: `${point} ${signal}`,
  });
  const prompts = ["a", "b", "c", "d", "e"].map((one) => `${strike} ${point} ${name}${one}.`);
  const calls = prompts.map((prompt, n) =>
    // Three of them at the one that will be struck.
    (n < 3 ? replicas.beginAt(client, prompt, 100) : replicas.begin(prompt, n)).catch(() => "none"),
  );
  await vi.waitFor(async () => expect(await isStopped(program)).toBe(true), {
    ...{ ...PATIENTLY, interval: 20 },
  });
  const struck = { replicas, program, prompts };
  if (isOfBucket(strike)) await failingBucket(struck, strike);
  else await DONE[strike](struck);
  await replicas.beginAgain(prompts);
  await replicas.allOver();
  await Promise.all(calls);
  // Whoever was killed may have been sending; whoever was frozen before it sent leaves it at that,
  // and what it was told late it records late.
  const isUnknown = (bought: number) =>
    strike === "killed" || (strike === "frozen" && bought === 0);
  const count = () => replicas.tally(prompts, isUnknown);
  const tally = await vi
    .waitFor(
      async () => {
        await replicas.allOver();
        const found = await count();
        expect(found.lost).toEqual([]);
        return found;
      },
      { timeout: 20_000, interval: 500 },
    )
    .catch(count);
  await program.kill("SIGKILL");
  return tally;
}

/** Whether a program has ended or is stopped. */
async function isStopped({ child }: ChildTransport): Promise<boolean> {
  if (child.signalCode !== null || child.exitCode !== null) return true;
  const stat = await readFile(`/proc/${child.pid}/stat`, "utf8").catch(() => ") X");
  return /^[TX]/.test(stat.slice(stat.lastIndexOf(")") + 2));
}
