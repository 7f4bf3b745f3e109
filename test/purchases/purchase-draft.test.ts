import { mkdir, readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, it } from "vitest";
import { accepted, REQUEST_ID, says, scriptedGateway } from "../support/gateway-script.ts";
import { openHosting } from "../support/hosting.ts";
import { operation } from "../support/operations.ts";
import { picture } from "../support/pictures.ts";
import { CALLER, NO_LIMITS, openRig } from "../support/rig.ts";
import { tempDir } from "../support/temp-dir.ts";

/** A runner that hosts files itself, and a local picture that the provider would fetch. */
async function openBench(limits = NO_LIMITS) {
  const folder = await tempDir();
  const { hosting, folder: hosted } = await openHosting({ data: join(folder, "data") });
  const gateway = await scriptedGateway({ submit: [accepted], status: [says("PROCESSING")] });
  const rig = await openRig({ origin: gateway.origin, folder, hosting, limits });
  const local = join(folder, "allowed", "mine.png");
  await mkdir(join(folder, "allowed"));
  await writeFile(local, await picture());
  await writeFile(join(folder, "allowed", "other.png"), await picture("png", { width: 41 }));
  const one = operation("qwen_image_layered");
  const start = (change: Record<string, unknown> = {}, wishes: { maxCostUsd?: number } = {}) =>
    rig.runner.start(rig.purchases, CALLER, {
      operation: one,
      given: one.prepare({ image_url: local, ...change }),
      ...wishes,
    });
  const waiting = async () => {
    const folders = await readdir(join(hosted.path, "staging")).catch(() => []);
    const files = folders.map((name) => readdir(join(hosted.path, "staging", name)));
    return (await Promise.all(files)).flat();
  };
  const named = async () => (await readdir(hosted.path)).filter((name) => /\.png/.test(name));
  return { gateway, rig, start, waiting, named };
}

it("reads the files that a purchase names, once it is known what is asked for", async () => {
  const { gateway, rig, start, waiting, named } = await openBench();
  const { job } = await start();
  await rig.reached(job, "running");
  expect(JSON.parse(gateway.posts[0]?.body ?? "")).toMatchObject({
    image_url: `https://files.example/files/${(await named())[0]}`,
  });
  expect((await rig.get(job)).requestId).toBe(REQUEST_ID);
  expect(await waiting()).toEqual([]);
});

it("keeps nothing of a purchase that is a repeat, costs too much or names what is not there", async () => {
  const { gateway, rig, start, waiting, named } = await openBench();
  const { job } = await start();
  await rig.reached(job, "running");
  const kept = await named();
  expect(await start()).toMatchObject({ isDuplicate: true, job: { jobId: job.jobId } });
  await expect(start({ image_url: "allowed/other.png" }, { maxCostUsd: 0 })).rejects.toMatchObject({
    code: "over_budget",
  });
  await expect(start({ image_url: "allowed/none.png" })).rejects.toMatchObject({
    code: "invalid_input",
  });
  expect(await waiting()).toEqual([]);
  expect(await named()).toEqual(kept);
  expect(gateway.posts).toHaveLength(1);
});
