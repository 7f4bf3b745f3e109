import { describe, expect, it } from "vitest";
import { jobInQuestion, settleQuestion, verdictOf } from "../../src/jobs/settle-question.ts";
import { aJob } from "../support/made-jobs.ts";

const DOUBT = { state: "unknown", charge: "uncertain", costUsd: null } as const;

describe("the question whether a job was charged", () => {
  it("says all that is needed to look for it, and what each choice does", () => {
    const job = aJob({ ...DOUBT, input: { prompt: "A cat\n\u202eAccept!" } });
    expect(settleQuestion(job, "Pixazo")).toEqual({
      key: `settle ${job.jobId}`,
      text: [
        "Was z_image_turbo_generate charged, for about $0.01?",
        `${job.jobId}, started 2026-11-20 12:00 UTC.`,
        "It asks for: “A cat Accept!”",
        "Nobody knows whether Pixazo has taken it.",
        "Look into Pixazo's console, then choose. “decide later” changes nothing: it counts as spent until you have said.",
      ].join("\n"),
      isAboutMoney: true,
      isOffer: true,
      choice: { title: "Was it charged?", values: ["charged", "not charged", "decide later"] },
    });
  });

  it("names the request of one that failed, without a price where none is known", () => {
    const job = aJob({
      ...DOUBT,
      state: "failed",
      requestId: "req\u0007-1",
      reservedUsd: null,
      input: {},
    });
    const { text } = settleQuestion(job, "Pixazo");
    expect(text).toContain("charged, at an unknown price?");
    expect(text).toMatch(/UTC, request req ?-1\.\nIt has failed, and whether Pixazo charges/);
    expect(text.length).toBeLessThan(500);
  });

  it("is settled by two of its answers, and by nothing else", () => {
    const said = ["charged", "not charged", "decide later", "", "Charged", "spent"];
    expect(said.map(verdictOf)).toEqual(["spent", "none", ...Array(4).fill(undefined)]);
  });

  it("is known by its job while it is asked and after, and other questions by none", () => {
    const { key } = settleQuestion(aJob(DOUBT), "Pixazo");
    const none = { agreed: new Map(), passed: new Map(), insists: false };
    const jobId = key.split(" ")[1];
    for (const asking of [
      { ...none, awaited: key },
      {
        ...none,
        agreed: new Map([
          ["read-file /a", "once"],
          [key, "charged"],
        ]),
      },
      { ...none, passed: new Map([[key, ""]]) },
    ]) {
      expect(jobInQuestion(asking)).toBe(jobId);
    }
    expect(jobInQuestion({ ...none, awaited: "buy x", agreed: new Map([["save /a", ""]]) })).toBe(
      undefined,
    );
  });
});
