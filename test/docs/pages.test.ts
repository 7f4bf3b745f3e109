import { existsSync, readFileSync } from "node:fs";
import { posix } from "node:path";
import { describe, expect, it } from "vitest";
import packageJson from "../../package.json" with { type: "json" };
import { listedPrompts, pages } from "../../scripts/generated-files.ts";
import { documentedTools } from "../../src/docs/documented.ts";
import { JOB_STATES } from "../../src/jobs/job.ts";
import { COMMANDS } from "../../src/settings/commands.ts";
import { SETTINGS } from "../../src/settings/specs.ts";
import { AUDIT_EVENTS } from "../../src/users/audit-log.ts";

const all = await pages();
const paths = [...all.keys()];

/** What a page says in code, inline or in a block. */
function codeOf(text: string): string[] {
  return [...text.matchAll(/^```[^\n]*\n([\s\S]*?)^```|`([^`\n]+)`/gm)].map(
    ([, block, inline]) => block ?? inline ?? "",
  );
}

/** GitHub's way from a heading to its address. */
function anchorsOf(text: string): string[] {
  return [...text.matchAll(/^#+ (.*)$/gm)].map(([, heading = ""]) =>
    heading
      .toLowerCase()
      .replace(/[^\p{L}\p{N}\s_-]/gu, "")
      .trim()
      .replaceAll(" ", "-"),
  );
}

function linksOf(text: string): string[] {
  return [...text.replace(/^```[\s\S]*?^```/gm, "").matchAll(/\]\(([^)\s]+)\)/g)]
    .map(([, target = ""]) => target)
    .filter((target) => !/^[a-z][a-z0-9+.-]*:/i.test(target));
}

describe.each(paths)("%s", (path) => {
  const text = all.get(path) ?? "";

  it("links to what exists, headings included", () => {
    const broken = linksOf(text).filter((target) => {
      const [file = "", anchor] = target.split("#");
      const to = file === "" ? path : posix.normalize(posix.join(posix.dirname(path), file));
      if (!existsSync(to)) return true;
      return anchor !== undefined && !anchorsOf(readFileSync(to, "utf8")).includes(anchor);
    });
    expect(broken).toEqual([]);
  });

  it("names variables, scripts, tools and files that exist", () => {
    const code = codeOf(text).join("\n");
    const found = (pattern: RegExp) => [
      ...new Set([...code.matchAll(pattern)].map(([, name = ""]) => name)),
    ];
    const variables = found(/\b((?:LONGCAT_MCP|LONGCAT|PIXAZO)_[A-Z_]*[A-Z])(?!\*|_)\b/g);
    expect(variables.filter((name) => !isVariable(name))).toEqual([]);
    const scripts = found(/npm run ([\w:]+)/g);
    expect(scripts.filter((name) => !(name in packageJson.scripts))).toEqual([]);
    const commands = found(/\blongcat-mcp (?!and|help|MCP|longcat-mcp)([a-z]+)\b/g);
    expect(commands.filter((name) => !COMMANDS.some((known) => known === name))).toEqual([]);
    const tools = found(/\b((?:longcat(?!_mcp)|z_image|qwen_image|job)_[a-z_]+)\b/g);
    expect(tools.filter((name) => !isToolOrField(name))).toEqual([]);
    const files = found(
      /(?<![\w/.])((?:src|test|scripts|bench|docs|third-party|\.ci|\.github)\/[\w./-]*[\w/])(?![\w*<{…])/g,
    );
    expect(files.filter((name) => !existsSync(name) && !EXAMPLES.includes(name))).toEqual([]);
  });
});

/** Paths that stand for somebody else's. */
const EXAMPLES = ["src/"];
/** Read by the tests only, so that it is no setting. */
const OTHER_VARIABLES = ["LONGCAT_MCP_TEST_CRASH_AT"];

function isVariable(name: string): boolean {
  return (
    OTHER_VARIABLES.includes(name) ||
    Object.values(SETTINGS).some(
      (spec) => name === spec.env || ("secret" in spec && name === `${spec.env}_FILE`),
    )
  );
}

function isToolOrField(name: string): boolean {
  if (AUDIT_EVENTS.some((event) => event === name)) return true;
  return name === "job_id" || documentedTools().some(({ tool }) => tool.name === name);
}

describe("README.md", () => {
  const readme = all.get("README.md") ?? "";

  it("is short", () => {
    expect(readme.split("\n").length).toBeLessThanOrEqual(151);
  });

  it("sets both keys wherever it installs the program", () => {
    const snippets = [...readme.matchAll(/^```[^\n]*\n([\s\S]*?)^```/gm)]
      .map(([, block = ""]) => block)
      .filter((block) => block.includes("dist/cli.js"));
    expect(snippets.length).toBeGreaterThanOrEqual(5);
    const lacking = snippets.filter(
      (block) => !(block.includes("PIXAZO_API_KEY") && block.includes("LONGCAT_API_KEY")),
    );
    expect(lacking).toEqual([]);
  });

  it("has snippets that can be pasted", () => {
    const pages = readme + (all.get("docs/hosts.md") ?? "");
    const json = [...pages.matchAll(/^```json\n([\s\S]*?)^```/gm)].map(([, block = ""]) => block);
    expect(json.length).toBeGreaterThan(2);
    for (const block of json) expect(() => JSON.parse(block)).not.toThrow();
  });

  it("leads to every page", () => {
    const reached = new Set(["README.md"]);
    for (const path of reached) {
      for (const target of linksOf(all.get(path) ?? "")) {
        const [file = ""] = target.split("#");
        const to = posix.normalize(posix.join(posix.dirname(path), file));
        if (file !== "" && all.has(to)) reached.add(to);
      }
    }
    expect(paths.filter((path) => !reached.has(path))).toEqual([]);
  });
});

describe("docs/jobs.md", () => {
  it("has every state of a job, in its order", () => {
    const rows = [...(all.get("docs/jobs.md") ?? "").matchAll(/^\| `(\w+)` \|/gm)];
    expect(rows.map(([, state]) => state)).toEqual([...JOB_STATES]);
  });
});

describe("docs/hosts.md", () => {
  it("names every prompt", async () => {
    const text = all.get("docs/hosts.md") ?? "";
    const names = (await listedPrompts()).map(({ name }) => name);
    expect(names.length).toBeGreaterThan(3);
    expect(names.filter((name) => !text.includes(`\`${name}\``))).toEqual([]);
  });
});
