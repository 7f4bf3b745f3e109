import { describe, expect, it } from "vitest";
import { readSettings } from "../../src/settings/settings.ts";

/** The folders that may be read, where nothing is set. */
function readable(workingDir: string, env: Record<string, string> = {}): string[] {
  const settings = readSettings({
    env: { HOME: "/home/somebody", ...env },
    flags: {},
    platform: "linux",
    workingDir,
    readFile: () => "",
  });
  return settings.allowedDirs;
}

const OUTPUT = "/home/somebody/Pictures/longcat-mcp";

describe("what may be read by default", () => {
  it("is the folder of finished files and the one the program works in, nothing else", () => {
    expect(readable("/home/somebody/work")).toEqual([OUTPUT, "/home/somebody/work"]);
  });

  it.each([
    ["the home folder", "/home/somebody"],
    ["the root", "/"],
    ["the folder of all homes", "/home"],
  ])("is not %s, though the program works there", (_, workingDir) => {
    expect(readable(workingDir)).toEqual([OUTPUT]);
  });

  it("is not the home folder, though finished files are kept there", () => {
    const env = { LONGCAT_MCP_OUTPUT_DIR: "/home/somebody" };
    expect(readable("/srv/work", env)).toEqual(["/srv/work"]);
  });
});
