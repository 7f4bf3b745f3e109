import { describe, expect, it } from "vitest";
import { finishedFile, mayBeServed, ownFiles } from "../../src/jobs/finished-file.ts";
import type { Medium } from "../../src/jobs/job.ts";
import { isNamedIn, namedIn, namesOf } from "../../src/jobs/lineage.ts";
import { leftJob } from "../support/rig.ts";

const HOUR_MS = 3_600_000;
const medium = (index: number, more: Partial<Medium> = {}): Medium => ({
  ...{ index, url: `https://a.example/${index}.png`, path: `/out/${index}.png` },
  ...{ mimeType: "image/png", sizeBytes: 1, sha256: "", copies: [] },
  ...more,
});
const job = (change: Parameters<typeof leftJob>[0] | object) =>
  leftJob({ baseUrl: "https://a.example", state: "completed", charge: "spent", ...change });

describe("a finished file by its number", () => {
  const media = [medium(1), medium(2), medium(3, { role: "sheet", url: "" })];

  it("is that file, made here or not", () => {
    for (const index of [1, 2, 3]) expect(finishedFile(job({ media }), index).index).toBe(index);
  });

  it.each([0, 4, -1, 1.5])(
    "does not exist for %d, and the error says how many there are",
    (index) => {
      const one = job({ media });
      expect(() => finishedFile(one, index)).toThrow(
        `${one.jobId} has 3 files; there is no number ${index}.`,
      );
    },
  );

  it("of those that the provider gave leaves out what was made here", () => {
    expect(ownFiles(job({ media })).map(({ index }) => index)).toEqual([1, 2]);
  });

  it.each([
    ["failed", "is failed and has no files.", undefined],
    ["unknown", "is unknown and has no files.", undefined],
    ["running", "is running and has no files yet.", "Wait for it with `job_status`"],
    ["downloading", "is downloading and has no files yet.", "Wait for it with `job_status`"],
  ] as const)("of a job that is %s", (state, words, next) => {
    const one = job({ state, media: [] });
    for (const ask of [() => finishedFile(one, 1), () => ownFiles(one)]) {
      let error: unknown;
      try {
        ask();
      } catch (thrown) {
        error = thrown;
      }
      expect(error).toMatchObject({ code: "invalid_input", message: `${one.jobId} ${words}` });
      if (next !== undefined) expect(error).toMatchObject({ next: expect.stringContaining(next) });
    }
  });
});

describe("whether the provider may still serve a file", () => {
  const now = Date.parse("2026-11-20T12:00:00Z");
  const at = (
    completedAt: number | null,
    url: string,
    trustedOrigins: string[] = [],
    updatedAt = 0,
  ) => mayBeServed({ completedAt, updatedAt }, url, { now, trustedOrigins });

  it("is so for an hour after its end", () => {
    const url = "https://cdn.example/a.png";
    expect(at(now - HOUR_MS + 1, url)).toBe(true);
    expect(at(now - HOUR_MS, url)).toBe(false);
    expect(at(null, url, [], now - 1)).toBe(true);
    expect(at(null, url, [], now - HOUR_MS)).toBe(false);
  });

  it("is not so on this machine, but for who is known to be there", () => {
    const url = "http://127.0.0.1:4000/v1/a.png";
    expect(at(now, url)).toBe(false);
    expect(at(now, url, ["http://127.0.0.1:4001"])).toBe(false);
    expect(at(now, url, ["http://127.0.0.1:4000"])).toBe(true);
    expect(at(now, "http://localhost:4000/a.png")).toBe(false);
  });

  it.each(["", "a.png", "::"])("is not so of %j, which is no address", (url) => {
    expect(at(now, url)).toBe(false);
  });
});

describe("what a later call may name a finished file by", () => {
  it("are its address here, its place, its copies and where it was served", () => {
    const one = medium(2, { copies: ["/home/anna/a.png"] });
    expect(namesOf({ jobId: "job_a" }, one)).toEqual([
      ...["longcat://media/job_a/2", "/out/2.png", "/home/anna/a.png"],
      "https://a.example/2.png",
    ]);
    expect(namesOf({ jobId: "job_a" }, medium(1, { url: "" }))).not.toContain("");
  });

  it("is looked for in all that is no words for somebody", () => {
    const input = {
      ...{ prompt: "like /out/2.png", system: "/out/2.png", negative_prompt: "/out/2.png" },
      ...{ image: "/out/1.png", image_urls: ["a", "/out/3.png"], num_images: 4 },
    };
    expect(namedIn({ input })).toEqual(["/out/1.png", "a", "/out/3.png"]);
    expect(isNamedIn({ input }, ["/out/3.png"])).toBe(true);
    expect(isNamedIn({ input }, ["/out/2.png"])).toBe(false);
    expect(isNamedIn({ input }, [])).toBe(false);
  });
});
