import { describe, expect, it, onTestFinished } from "vitest";
import type { Job } from "../../src/jobs/job.ts";
import { operation } from "../support/operations.ts";
import { picture } from "../support/pictures.ts";
import { type Hit, json, rawServer } from "../support/raw-server.ts";
import { CALLER, openRig, type Rig, until } from "../support/rig.ts";

type Step = "submit" | "status" | "media";

/** A gateway at which one step never ends for whoever asks greedily. */
async function gatewayThatHangs(step: Step) {
  const bytes = await picture();
  let submits = 0;
  /** Those that are given up go, and may come again. */
  const hanging = new Set<Hit>();
  let most = 0;
  const server = await rawServer((hit, response) => {
    const kind = hit.method === "POST" ? "submit" : hit.path.startsWith("/m/") ? "media" : "status";
    const isGreedy = kind === "submit" ? hit.body.includes("greedy") : hit.path.includes("9a9a");
    if (isGreedy && kind === step) {
      hanging.add(hit);
      most = Math.max(most, hanging.size);
      response.once("close", () => hanging.delete(hit));
      return;
    }
    const id = hit.path.split("/").at(-1);
    switch (kind) {
      case "submit": {
        const mark = isGreedy ? "9a9a" : "0000";
        const request_id = `longcat-image-498_019dabcd-${mark}-7000-8000-${String(submits++).padStart(12, "0")}`;
        return json(response, 202, { request_id, status: "QUEUED" });
      }
      case "status":
        return json(response, 200, {
          request_id: id,
          status: "COMPLETED",
          output: { media_url: [`http://${hit.headers["host"]}/m/${id}.png`] },
        });
      case "media":
        response.writeHead(200, { "content-type": "image/png", "content-length": bytes.length });
        response.end(bytes);
    }
  });
  return { origin: server.origin, most: () => most };
}

async function start(rig: Rig, owner: string, prompt: string): Promise<Job> {
  const one = operation("longcat_image_generate");
  const given = one.prepare({ prompt, image_size: "square_1_1" });
  const request = { operation: one, given, forceNew: true };
  return (await rig.runner.start(rig.purchases, { ...CALLER, owner }, request)).job;
}

describe("one whose every request hangs, more of them than are sent at a time", () => {
  it.each<[Step, number, number]>([
    ["submit", 300, 256],
    ["status", 150, 104],
    ["media", 100, 64],
  ])("at the %s holds up nobody else", async (step, many, atOnce) => {
    const gateway = await gatewayThatHangs(step);
    const rig = await openRig({ origin: gateway.origin });
    // What hangs would be waited for.
    onTestFinished(() => rig.close());
    for (let i = 0; i < many; i++) await start(rig, "greedy", `greedy ${i}`);
    await until(() => gateway.most() >= atOnce, "all that is let in hangs");
    for (let i = 0; i < 3; i++) {
      const job = await start(rig, "modest", "a cat");
      await until(
        async () => (await rig.runner.get("modest", job.jobId)).state === "completed",
        "the modest one is served",
      );
    }
    expect(gateway.most()).toBe(atOnce);
  });
});
