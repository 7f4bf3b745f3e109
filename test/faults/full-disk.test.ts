import pLimit from "p-limit";
import { expect, test } from "vitest";
import { jobIdOf, textOf } from "../e2e/answers.ts";
import { Bench } from "../e2e/harness.ts";
import { allEnded, verify } from "./witness.ts";

/** From where the database cannot be opened to where a whole job fits. */
const LEVELS_KIB = [...Array.from({ length: 48 }, (_, n) => 40 + n * 4), 1024];
const AT_ONCE = 4;

/** One purchase on a disk that fills up, the plug pulled, and a disk with room again. */
async function buyOnFullDisk(levelKiB: number) {
  const bench = await Bench.open({ speed: 40 });
  try {
    await bench.launch(["jobs"]).exited();
    bench.maxFileKiB = levelKiB;
    const before = await bench.connect("client 2.x");
    const started = await before.client
      .call("z_image_turbo_generate", {
        prompt: "A small boat at sea",
        image_size: "square_1_1",
        wait_seconds: 1,
      })
      .catch(() => undefined);
    const jobId = started ? jobIdOf(started) : "";
    let told = started ? textOf(started) : "";
    while (jobId !== "" && !/ completed in |It is held up/.test(told)) {
      const status = { job_id: jobId, wait_seconds: 1 };
      told = textOf(await before.client.call("job_status", status));
    }
    const chargedBefore = bench.sandbox.requests().filter((one) => one.charged).length;
    await before.program.kill("SIGKILL");

    bench.maxFileKiB = undefined;
    const { client } = await bench.connect("client 2.x");
    const jobs = await allEnded(client);
    const verdict = await verify(bench, jobs);
    return { told, jobId, chargedBefore, jobs, verdict };
  } finally {
    await bench.close();
  }
}

test("a disk that is full at any write loses nothing and buys nothing that is not recorded", {
  timeout: 600_000,
}, async () => {
  const limit = pLimit(AT_ONCE);
  const runs = await Promise.all(LEVELS_KIB.map((level) => limit(() => buyOnFullDisk(level))));
  for (const { told, jobId, chargedBefore, jobs, verdict } of runs) {
    expect(verdict.charges).toBeLessThanOrEqual(1);
    if (jobId === "") {
      expect(told).toMatch(/^(storage|configuration): .*\nNext: /);
      expect(chargedBefore).toBe(0);
    } else {
      expect(jobs.map((job) => job.job_id)).toEqual([jobId]);
    }
  }
  const told = runs.map((run) => run.told);
  expect(told.some((text) => text.startsWith("storage: "))).toBe(true);
  const heldUp = told.filter((text) => text.includes("\nNote: It is held up"));
  for (const state of ["queued", "submitting", "running", "downloading"]) {
    expect(heldUp).toContainEqual(expect.stringContaining(` is ${state} for `));
  }
  expect(told.at(-1)).toMatch(/ completed in /);
});
