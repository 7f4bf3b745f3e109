import { describe, expect, it } from "vitest";
import {
  completed,
  file,
  REQUEST_ID,
  type Reply,
  says,
  scriptedGateway,
} from "../support/gateway-script.ts";
import { picture } from "../support/pictures.ts";
import { openRig, until } from "../support/rig.ts";

describe("how a job ends at the provider", () => {
  it.each<[string, Reply, Record<string, unknown>]>([
    [
      "ERROR is not charged",
      says("ERROR", { error: "GPU lost" }),
      {
        state: "errored",
        charge: "none",
        error: { code: "upstream_unavailable", message: expect.stringContaining("GPU lost") },
      },
    ],
    [
      "FAILED may be charged",
      says("FAILED", { error: "CUDA error" }),
      {
        state: "failed",
        charge: "uncertain",
        error: { code: "upstream_rejected", message: expect.stringContaining("CUDA error") },
      },
    ],
    [
      "FAILED for its content",
      says("FAILED", { error: "NSFW content detected" }),
      { state: "failed", charge: "uncertain", error: { code: "content_rejected" } },
    ],
    ["failed, in lower case", says("failed"), { state: "failed", charge: "uncertain" }],
    [
      "COMPLETED without a file is charged and says so",
      says("COMPLETED", { output: { media_url: [] } }),
      {
        state: "failed",
        charge: "spent",
        error: { code: "bad_upstream_reply", message: expect.stringContaining("names no file") },
      },
    ],
    [
      "COMPLETED with an output that is null",
      says("COMPLETED"),
      { state: "failed", error: { code: "bad_upstream_reply" } },
    ],
  ])("%s", async (_what, status, expected) => {
    const gateway = await scriptedGateway({ status: [says("PROCESSING"), status] });
    const rig = await openRig({ origin: gateway.origin });
    const job = await rig.start();
    const ended = await until(async () => {
      const current = await rig.get(job);
      return current.completedAt === null ? undefined : current;
    });
    expect(ended).toMatchObject({ ...expected, requestId: REQUEST_ID });
    const looks = gateway.looks.length;
    await rig.quiet();
    expect(gateway.looks).toHaveLength(looks);
    expect(gateway.posts).toHaveLength(1);
  });

  it("words that nobody documented mean that it goes on, and are shown", async () => {
    const gateway = await scriptedGateway({
      status: [says("WARMING_UP"), says("QUEUED"), says("WARMING_UP"), completed("a.png")],
      media: [file(await picture())],
    });
    const rig = await openRig({ origin: gateway.origin });
    const said: (string | null)[] = [];
    rig.events.subscribeToAll((job) => said.push(job.upstreamStatus));
    const job = await rig.start();
    expect(await rig.reached(job, "completed")).toMatchObject({ upstreamStatus: null });
    expect(said).toContain("WARMING_UP");
  });
});
