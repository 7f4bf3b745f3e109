import { describe, expect, it } from "vitest";
import { newJobId, newThreadId, randomToken } from "../../src/core/ids.ts";
import {
  isOurUri,
  readJobId,
  readThreadId,
  readUri,
  URI_TEMPLATES,
  uris,
} from "../../src/core/uris.ts";

const jobId = newJobId();
const threadId = newThreadId();
const uploadId = `upload_${randomToken()}`;

describe("addresses of what the server offers to read", () => {
  it("are understood as they were made", () => {
    expect(readUri(uris.job(jobId))).toEqual({ kind: "job", jobId });
    expect(readUri(uris.medium(jobId, 3))).toEqual({ kind: "medium", jobId, index: 3 });
    expect(readUri(uris.preview(jobId, 3))).toEqual({ kind: "medium", jobId, index: 3 });
    expect(readUri(uris.thread(threadId))).toEqual({ kind: "thread", threadId });
    expect(readUri(` LONGCAT://jobs/${jobId}\n`)).toEqual({ kind: "job", jobId });
  });

  it("are made as their templates say", () => {
    const filled = (template: string) =>
      template
        .replace("{job_id}", jobId)
        .replace("{index}", "2")
        .replace("{thread_id}", threadId)
        .replace("{id}", uploadId)
        .replace("{operation}", "z");
    expect(Object.values(URI_TEMPLATES).map(filled)).toEqual([
      uris.job(jobId),
      uris.medium(jobId, 2),
      uris.preview(jobId, 2),
      uris.thread(threadId),
      uris.upload(uploadId),
      uris.model("z"),
    ]);
  });

  it.each([
    "",
    "longcat:",
    "longcat://",
    "longcat://jobs/",
    "longcat://jobs/job_x",
    `longcat://jobs/${threadId}`,
    `longcat://threads/${jobId}`,
    `longcat://media/${jobId}`,
    `longcat://media/${jobId}/0`,
    `longcat://media/${jobId}/12345`,
    `longcat://media/${jobId}/1/other`,
    `longcat://media/../${jobId}/1`,
    "longcat://models/z_image_turbo_generate",
    `https://jobs/${jobId}`,
    jobId,
  ])("name nothing when they are %j", (text) => {
    expect(readUri(text)).toBeUndefined();
  });

  it("are told from paths and other addresses, well formed or not", () => {
    expect(isOurUri(" Longcat:what")).toBe(true);
    expect(isOurUri("longcat/what")).toBe(false);
    expect(isOurUri("https://longcat.example")).toBe(false);
  });

  it("stand for an id, and the id for itself", () => {
    expect([jobId, ` ${jobId} `, uris.job(jobId)].map(readJobId)).toEqual([jobId, jobId, jobId]);
    expect([threadId, uris.thread(threadId)].map(readThreadId)).toEqual([threadId, threadId]);
    for (const other of ["", "job_x", uris.medium(jobId, 1), uris.thread(threadId), threadId]) {
      expect(readJobId(other), other).toBeUndefined();
    }
    for (const other of ["", "thread_x", uris.job(jobId), jobId]) {
      expect(readThreadId(other), other).toBeUndefined();
    }
  });
});
