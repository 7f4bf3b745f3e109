import { expect, it } from "vitest";
import { AppError } from "../../src/core/errors.ts";
import { Lazy } from "../../src/core/lazy.ts";
import { LOCAL_CALLER } from "../../src/core/owner.ts";
import { Saving } from "../../src/media/saving.ts";
import type { Call, Services } from "../../src/tools/services.ts";
import { createTools } from "../../src/tools/tool-list.ts";
import { Waits } from "../../src/tools/waits.ts";
import { scriptedGateway } from "../support/gateway-script.ts";
import { CAT, leftJob, OWNER, openRig, recordJob } from "../support/rig.ts";
import { idleToolDeps } from "../support/tool-deps.ts";

const call: Call = {
  caller: LOCAL_CALLER,
  signal: new AbortController().signal,
  onDelivered: () => {},
  progress: () => {},
};

/** The tools for pictures, and the rig behind them. */
async function openTools() {
  const gateway = await scriptedGateway({});
  const rig = await openRig({ origin: gateway.origin });
  const deps = idleToolDeps();
  const [workingDir, homeDir] = [rig.folder, "/home/nobody"];
  const nothing = { open: () => Promise.reject(), stat: async () => undefined };
  const saving = new Saving({ allowedDirs: [workingDir], workingDir, homeDir }, nothing);
  const services = new Lazy(
    async () =>
      ({ jobs: rig.runner, purchases: rig.purchases, saving, waits: new Waits(16) }) as Services,
  );
  await services.get();
  const settings = { ...deps.settings, apiKey: "key-0123456789" };
  const tools = createTools({ ...deps, settings, services });
  const ask = async (name: string, args: Record<string, unknown>, own: Partial<Call> = {}) => {
    const result = await tools.find((tool) => tool.name === name)?.call(args, { ...call, ...own });
    const texts = (result?.content ?? []).flatMap((one) => (one.type === "text" ? one.text : []));
    return { isError: result?.isError ?? false, text: texts[0] ?? "", texts };
  };
  return { rig, ask, gateway };
}

it("what completed meanwhile is told until an answer with them has left", async () => {
  const { rig, ask, gateway } = await openTools();
  const done = { state: "completed", charge: "spent", orphaned: true } as const;
  const job = leftJob({ baseUrl: gateway.origin, ...done });
  await recordJob(rig.store, job, "gone");
  const isTold = async (own: Partial<Call>) =>
    (await ask("image_models", {}, own)).texts.some((text) => text.includes(job.jobId));
  const left: Promise<void>[] = [];
  expect(await isTold({ onDelivered: () => {} })).toBe(true);
  expect(await isTold({ onDelivered: (run) => left.push(run()) })).toBe(true);
  await Promise.all(left);
  expect(await isTold({})).toBe(false);
});

it("an answer is given though what completed meanwhile cannot be had", async () => {
  const { rig, ask, gateway } = await openTools();
  const job = leftJob({
    baseUrl: gateway.origin,
    state: "completed",
    charge: "spent",
    orphaned: true,
  });
  await recordJob(rig.store, job, "gone");
  rig.store.untoldOrphans = () => Promise.reject(new AppError("storage", "The disk is gone."));
  const { isError, text } = await ask("job_status", { job_id: job.jobId });
  expect(isError).toBe(false);
  expect(text).toContain(`${job.jobId} completed`);
});

it("a start tool whose answer fails names the job that it has started", async () => {
  const { rig, ask } = await openTools();
  rig.runner.wait = () => Promise.reject(new AppError("storage", "The disk is gone."));
  const { isError, text } = await ask("longcat_image_generate", CAT);
  expect(isError).toBe(true);
  const [job] = (await rig.runner.list({ owner: OWNER, limit: 1 })).jobs;
  expect(text).toContain("The disk is gone.");
  expect(text).toContain(job?.jobId);
});

it("a repeated call that wants another place is told how its result gets there later", async () => {
  const { ask } = await openTools();
  const first = await ask("longcat_image_generate", { ...CAT, wait_seconds: 0 });
  expect(first.texts.join()).not.toContain("save_to");
  const again = await ask("longcat_image_generate", { ...CAT, wait_seconds: 0, save_to: "other/" });
  expect(again.isError).toBe(false);
  expect(again.texts.join()).toMatch(/`save_to` waits: .*`media_save` with job_id "job_/);
});

it("a repeated call that wants a place that is not allowed is told so at once", async () => {
  const { ask, gateway } = await openTools();
  await ask("longcat_image_generate", { ...CAT, wait_seconds: 0 });
  const wrong = { ...CAT, wait_seconds: 45, save_to: "/etc/cat.png" };
  const again = await ask("longcat_image_generate", wrong);
  expect(again.isError).toBe(true);
  expect(again.text).toMatch(/outside the allowed folders[\s\S]*LONGCAT_MCP_SAVE_DIRS[\s\S]*job_/);
  expect(gateway.posts).toHaveLength(1);
});
