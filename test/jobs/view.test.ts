import { describe, expect, it } from "vitest";
import type { Medium } from "../../src/jobs/job.ts";
import { argumentsOf, jobViewSchema, viewJob } from "../../src/jobs/view.ts";
import { leftJob } from "../support/rig.ts";

const at = Date.parse("2026-11-20T12:00:00Z");
const picture: Medium = {
  ...{ index: 1, url: "https://cdn.example/a.png", path: "/out/a.png" },
  ...{ mimeType: "image/png", width: 4, height: 3, sizeBytes: 12, sha256: "ab", copies: [] },
};
const sheet: Medium = { ...picture, index: 2, role: "sheet", url: "", path: "/out/sheet.png" };
const job = (change: object = {}) =>
  leftJob({
    ...{ baseUrl: "https://a.example", state: "completed", charge: "spent", requestId: "r-1" },
    ...{ createdAt: at, updatedAt: at + 1_000, completedAt: at + 1_000, costUsd: 0.03 },
    ...{ media: [picture, sheet], mediaUrls: [picture.url] },
    ...change,
  });

describe("a job as clients see it", () => {
  it("has what was asked, what became of it and its files", () => {
    const one = job();
    const view = viewJob(one);
    expect(jobViewSchema.parse(view)).toEqual(view);
    expect(view).toEqual({
      ...{ job_id: one.jobId, operation: one.operation, state: "completed", charge: "spent" },
      arguments: one.input,
      ...{ request_id: "r-1", created_at: "2026-11-20T12:00:00.000Z" },
      ...{ updated_at: "2026-11-20T12:00:01.000Z", completed_at: "2026-11-20T12:00:01.000Z" },
      ...{ cost_usd: 0.03, error: null },
      media: [
        {
          ...{ uri: `longcat://media/${one.jobId}/1`, url: picture.url, path: "/out/a.png" },
          ...{ mime_type: "image/png", width: 4, height: 3, size_bytes: 12 },
        },
        {
          ...{ uri: `longcat://media/${one.jobId}/2`, role: "sheet", path: "/out/sheet.png" },
          ...{ mime_type: "image/png", width: 4, height: 3, size_bytes: 12 },
        },
      ],
    });
  });

  it("says nothing of who owns it, of its fingerprint or of what is sent", () => {
    const text = JSON.stringify(viewJob(job({ fingerprint: "fp-1", idempotencyKey: "key-1" })));
    for (const inner of ["fp-1", "key-1", "owner", "wire", "baseUrl"]) {
      expect(text).not.toContain(inner);
    }
  });

  it("of files that are no pictures has no size in pixels", () => {
    const { width: _width, height: _height, ...weights } = picture;
    const [shown] = viewJob(job({ media: [{ ...weights, mimeType: "application/zip" }] })).media;
    expect(shown).not.toHaveProperty("width");
    expect(shown).not.toHaveProperty("height");
  });

  it("shows only addresses that may still lead somewhere, and places as they are from there", () => {
    const elsewhere = {
      isServed: () => false,
      placeOf: ({ index }: Medium) => ({ download_url: `https://me.example/${index}` }),
    };
    const { media } = viewJob(job(), elsewhere);
    expect(media[0]).toMatchObject({ download_url: "https://me.example/1" });
    expect(JSON.stringify(media)).not.toContain("/out/");
    expect(JSON.stringify(media)).not.toContain("cdn.example");
  });

  const both = { mediaUrls: [picture.url, "https://cdn.example/b.png"] };

  it("names where files are that are not here, once it has ended", () => {
    expect(viewJob(job(both))).toMatchObject({ other_urls: ["https://cdn.example/b.png"] });
    expect(viewJob(job({ ...both, state: "downloading" }))).not.toHaveProperty("other_urls");
    expect(viewJob(job())).not.toHaveProperty("other_urls");
    const gone = { isServed: () => false, placeOf: () => ({}) };
    expect(viewJob(job(both), gone)).not.toHaveProperty("other_urls");
  });

  it("quotes errors and warnings on one line each", () => {
    const view = viewJob(
      job({
        ...{
          state: "failed",
          media: [],
          error: { code: "upstream_rejected", message: "a\nb\u202e" },
        },
        warnings: ["one\ntwo"],
      }),
    );
    expect(view.error).toEqual({ code: "upstream_rejected", message: "a b" });
    expect(view["warnings"]).toEqual(["one two"]);
    expect(viewJob(job())).not.toHaveProperty("warnings");
  });

  it("has no time of an end that has not come", () => {
    expect(viewJob(job({ state: "running", completedAt: null })).completed_at).toBeNull();
  });
});

describe("what a job was started with", () => {
  it("is its input, and where files are saved if that was said", () => {
    expect(argumentsOf(job({ input: { prompt: "x" } }))).toEqual({ prompt: "x" });
    expect(argumentsOf(job({ input: { prompt: "x" }, saveTo: "~/a" }))).toEqual({
      ...{ prompt: "x", save_to: "~/a" },
    });
  });
});
