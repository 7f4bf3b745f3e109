import { describe, expect, it } from "vitest";
import { dropToml, putToml, tomlAt } from "../../src/hosts/toml-text.ts";

const PLACE = ["mcp_servers", "longcat"];
const ENTRY = { command: "node", args: ["/x/cli.js"], env: { A: "1" } };
const MADE =
  '[mcp_servers.longcat]\ncommand = "node"\nargs = [ "/x/cli.js" ]\n\n[mcp_servers.longcat.env]\nA = "1"\n';
const put = (text: string) => putToml(text, PLACE, ENTRY);

const OTHERS = `# mine
model = "o" # beside

[mcp_servers.other] # theirs
command = "x"
args = [
  "[mcp_servers.longcat]", # no header
]
text = """
[mcp_servers.longcat]
"""

[mcp_servers.other.env]
TOKEN = "#1"
`;

describe("putting a server into TOML", () => {
  it("adds it at the end and leaves everything else as it is", () => {
    expect(put("")).toBe(MADE);
    expect(put(OTHERS)).toBe(`${OTHERS}\n${MADE}`);
    expect(put(put(OTHERS))).toBe(put(OTHERS));
    expect(put("a = 1")).toBe(`a = 1\n\n${MADE}`);
    const windows = OTHERS.replaceAll("\n", "\r\n");
    expect(put(windows)).toBe(`${windows}\r\n${MADE.replaceAll("\n", "\r\n")}`);
  });

  it("and takes it out again", () => {
    expect(dropToml(put(OTHERS), PLACE)).toBe(OTHERS);
    expect(dropToml(`${put(OTHERS)}\n# next\n[next]\na = 1\n`, PLACE)).toBe(
      `${OTHERS}\n# next\n[next]\na = 1\n`,
    );
    expect(dropToml(OTHERS, PLACE)).toBe(OTHERS);
  });

  it("renews it where it stands, with the comments in it and what belongs to the next", () => {
    const before = `[mcp_servers."longcat"] # here\n# why\ncommand = "old" # beside\n\n[mcp_servers.longcat.env]\nA = "0"\n\n# next\n[next]\na = 1\n`;
    const after = put(before);
    expect(tomlAt(after, PLACE)).toEqual(ENTRY);
    for (const kept of ["# here", "# why", "# beside", "\n\n# next\n[next]\na = 1\n"]) {
      expect(after).toContain(kept);
    }
  });

  it.each([
    ["a = ", /not TOML in line 1/],
    ['mcp_servers = { other = { command = "x" } }', /cannot be changed safely/],
    ['mcp_servers.longcat.command = "x"', /cannot be changed safely/],
    ['[mcp_servers]\nlongcat = { command = "x" }', /cannot be changed safely/],
    ["[[mcp_servers]]\na = 1", /cannot be changed safely/],
  ])("refuses %j rather than harm it", (text, words) => {
    expect(() => put(text)).toThrow(words);
  });

  it("stands beside servers that are written on one line each", () => {
    const text = '[mcp_servers]\nother = { command = "x" }\n';
    expect(put(text)).toBe(`${text}\n${MADE}`);
  });
});
