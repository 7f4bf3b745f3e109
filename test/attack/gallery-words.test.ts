import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { KEY, openGalleryRig, serveRig } from "../support/gallery-rig.ts";
import { aJob, aMedium, record } from "../support/made-jobs.ts";

/* What strangers may have written into what the pages for people show. */

const XSS = `"><script>alert(1)</script><img src=x onerror=alert(2)>'\``;

async function openLocal() {
  const rig = await openGalleryRig();
  return { ...rig, ...(await serveRig(rig)) };
}

describe("what strangers have written", () => {
  it("stays text wherever it is shown, and our keys are in none of it", async () => {
    const { visitor, store } = await openLocal();
    const words = `${XSS} ${KEY}`;
    const job = aJob({
      ...{ operation: "qwen_image_edit", state: "failed", charge: "uncertain" },
      input: { prompt: words, image: words, [XSS]: [words, { deep: words }] },
      ...{ error: { code: "upstream_rejected", message: words }, requestId: words },
      warnings: [words],
      media: [aMedium({ path: `/pictures/2026-11-20/${XSS.replaceAll("/", "")}.png` })],
    });
    const odd = aJob({ operation: XSS, input: { prompt: `${"\u202e"}evil${"\u0000"}` } });
    await record(store, job, odd);
    const me = await visitor();
    const query = `/?${new URLSearchParams({ q: words, from: XSS, operation: XSS, state: XSS })}`;
    for (const path of [
      "/",
      `/jobs/${job.jobId}`,
      `/cards/${job.jobId}`,
      `/jobs/${odd.jobId}`,
      query,
      `/threads?q=${encodeURIComponent(XSS)}`,
      `/${encodeURI(XSS)}`,
    ]) {
      const { text } = await me.get(path);
      expect(text).not.toMatch(/<script>|<img src=x|onerror=alert\(2\)>|\u202e/);
      expect(text).not.toContain("\u0000");
      expect(text).not.toMatch(/="[^"]*<[^"]*"/);
      if (path !== query) expect(text).not.toContain(KEY);
    }
  });

  it("is never served as something that a browser runs", async () => {
    const { visitor, store, aPicture } = await openLocal();
    const job = aJob();
    const kinds = ["text/html", "image/svg+xml", "application/xhtml+xml", "text/javascript"];
    const media = await Promise.all(
      kinds.map((mimeType, at) => aPicture(job, { index: at + 1, mimeType })),
    );
    await record(store, { ...job, media });
    const me = await visitor();
    for (const [at] of kinds.entries()) {
      const { headers } = await me.get(`/pictures/${job.jobId}/${at + 1}`);
      expect(headers["content-disposition"]).toMatch(/^attachment;/);
      expect(headers["content-security-policy"]).toBe("default-src 'none'; sandbox");
    }
  });

  it("leads to no file but those of the job", async () => {
    const { visitor, store, folder } = await openLocal();
    await writeFile(join(folder, "secret"), "SECRET");
    const job = aJob({ media: [aMedium({ path: join(folder, "secret"), mimeType: "image/png" })] });
    await record(store, job);
    const me = await visitor();
    const odd = [
      "../../secret",
      "..%2f..%2fsecret",
      "1/../../../secret",
      "1%00",
      "01",
      "1.0",
      "-1",
    ];
    for (const place of ["thumbs", "pictures", "download"]) {
      for (const index of odd) {
        const { status, text } = await me.get(`/${place}/${job.jobId}/${index}`);
        expect([index, status, text.includes("SECRET")]).toEqual([index, 404, false]);
      }
      for (const id of ["..", "%2e%2e", `${job.jobId}%2f..`, `longcat:`, job.jobId.toUpperCase()]) {
        expect((await me.get(`/${place}/${id}/1`)).status).toBe(404);
      }
    }
    for (const path of ["/jobs/__proto__", "/__proto__", "/toString", "//evil.example", "/jobs/"]) {
      expect((await me.get(path)).status).toBe(404);
    }
  });
});
