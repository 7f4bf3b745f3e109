import { describe, expect, it } from "vitest";
import { withoutPaths } from "../../src/core/without-paths.ts";

const FOLDERS = ["/srv/long cat/out", "/data", "C:\\Users\\Ann Lee\\out", "/"];

describe("a sentence for somebody elsewhere", () => {
  it.each([
    ["/srv/long cat/out/users/ab/a.png is missing.", "a.png is missing."],
    ["/data cannot be written.", "data cannot be written."],
    ["The disk of /data has 3 bytes free.", "The disk of data has 3 bytes free."],
    ["It is in /data/.", "It is in …."],
    ["(/data/jobs.db) and `/etc/passwd`", "(jobs.db) and `passwd`"],
    ["file:///home/ann/a.png or file://srv/x", "a.png or x"],
    ["C:\\Users\\Ann Lee\\out\\a.png, D:/x/b.png, \\\\host\\share\\c.png", "a.png, b.png, c.png"],
  ])("%s is %s", (text, shown) => {
    expect(withoutPaths(text, FOLDERS)).toBe(shown);
  });

  it.each([
    "https://example.com/a/b.png?c=/d",
    "longcat://media/job_abc/1 and longcat://uploads/{id}",
    "and/or, 1024/768, image/png, 3 / 4",
    "`max_side` is 1 to 65,500.",
    "./data/x.png, ../data/x.png, ~/data/x.png and x/data/y.png",
  ])("%s stays as it is", (text) => {
    expect(withoutPaths(text, FOLDERS)).toBe(text);
  });

  it("tells folders of ours from others in no way", () => {
    const told = (folder: string) => withoutPaths(`No ${folder}/x/y.png here.`, FOLDERS);
    expect(told("/data")).toBe(told("/datb"));
  });
});
