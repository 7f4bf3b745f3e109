import { describe, expect, it } from "vitest";
import { deletionText } from "../../src/jobs/deletion-text.ts";
import { leftJob } from "../support/rig.ts";

const medium = (path: string, copies: string[] = []) => ({
  ...{ index: 1, url: "", mimeType: "image/png", sizeBytes: 1, sha256: "" },
  ...{ path, copies },
});
const withFiles = (...media: ReturnType<typeof medium>[]) =>
  leftJob({ baseUrl: "https://a.example", state: "completed", charge: "spent", media });

describe("what is told of a job that was deleted", () => {
  it("is what is forgotten, and that its cost still counts", () => {
    const job = withFiles();
    expect(deletionText(job, true, [])).toBe(
      `${job.jobId} is deleted: its prompt and arguments are forgotten.\nWhat it cost still counts, and an identical call just now would not buy again.`,
    );
  });

  it.each([
    [["/out/a.png"], "1 file is deleted."],
    [["/out/a.png", "/out/b.png"], "2 files are deleted."],
  ])("counts the files that went: %j", (paths, words) => {
    expect(deletionText(withFiles(...paths.map((path) => medium(path))), true, [])).toContain(
      words,
    );
  });

  it("names the files that stay, which are all where none was to go", () => {
    const job = withFiles(medium("/out/a.png", ["/home/anna/a.png"]));
    expect(deletionText(job, false, [])).toMatch(
      /These files stay:\n {3}\/out\/a\.png\n {3}\/home\/anna\/a\.png$/,
    );
    const text = deletionText(job, true, []);
    expect(text).toMatch(/These files stay:\n {3}\/home\/anna\/a\.png$/);
    expect(text).not.toContain("/out/");
  });

  it("names what could not be removed, and does not count it as gone", () => {
    const job = withFiles(medium("/out/a.png"), medium("/out/b.png"));
    const text = deletionText(job, true, ["/out/b.png"]);
    expect(text).toContain("1 file is deleted.");
    expect(text).toMatch(/will be tried again:\n {3}\/out\/b\.png$/);
    expect(deletionText(job, true, ["/out/a.png", "/out/b.png"])).not.toMatch(
      /deleted\.$|files? (?:is|are) deleted/m,
    );
  });

  it.each([
    [20, false],
    [21, true],
    [45, true],
  ])("of %d files names twenty, and says how many more there are", (count, hasMore) => {
    const paths = Array.from({ length: count }, (_, at) => `/out/${at}.png`);
    const lines = deletionText(withFiles(...paths.map((path) => medium(path))), false, []).split(
      "\n",
    );
    expect(lines.filter((line) => line.startsWith("   /out/"))).toHaveLength(20);
    expect(lines.at(-1)).toBe(hasMore ? `   and ${count - 20} more` : "   /out/19.png");
  });

  it("calls files what whoever is told may know them by, on a line each", () => {
    const job = withFiles(medium("/secret/a\nb.png"));
    expect(deletionText(job, false, [], (path) => path.replace("/secret/", ""))).toMatch(
      / {3}a b\.png$/,
    );
  });
});
