import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { posix } from "node:path";
import { promisify } from "node:util";
import { describe, expect, it } from "vitest";
import * as z from "zod";

const packSchema = z.array(z.looseObject({ files: z.array(z.looseObject({ path: z.string() })) }));

/** What `npm pack` would put into the package. */
async function packed(): Promise<string[]> {
  const { stdout } = await promisify(execFile)(
    "npm",
    ["pack", "--dry-run", "--json", "--ignore-scripts"],
    { shell: process.platform === "win32" },
  );
  const json: unknown = JSON.parse(stdout);
  const list = Array.isArray(json) ? json : Object.values(z.looseObject({}).parse(json));
  return packSchema.parse(list).flatMap(({ files }) => files.map(({ path }) => path));
}

const files = await packed();

/** Relative targets of a page's links and pictures, as paths in the package. */
async function linksOf(page: string): Promise<string[]> {
  const text = (await readFile(page, "utf8")).replace(/^```[\s\S]*?^```$/gm, "");
  const targets = [...text.matchAll(/\]\(([^)\s]+)(?:\s[^)]*)?\)/g)].map(
    ([, target = ""]) => target,
  );
  return targets
    .filter((target) => !/^(?:[a-z][a-z0-9+.-]*:|#)/i.test(target))
    .map((target) => posix.join(posix.dirname(page), target.replace(/#.*$/, "")));
}

describe("the npm package", () => {
  it("carries the program, the font, the licences and the pages about it", () => {
    const needed = [
      "dist/cli.js",
      "assets/fonts/DejaVuSans-Bold.ttf",
      "assets/fonts/DejaVu-LICENSE.txt",
      "LICENSE",
      "README.md",
      "AGENTS.md",
      "CHANGELOG.md",
      "CONTRIBUTING.md",
      "SECURITY.md",
      "THIRD-PARTY-NOTICES",
      "docs/security.md",
    ];
    expect(needed.filter((path) => !files.includes(path))).toEqual([]);
  });

  it("carries nothing but these", () => {
    const known =
      /^(?:dist|assets|docs)\/|^(?:LICENSE|README\.md|AGENTS\.md|CHANGELOG\.md|CONTRIBUTING\.md|SECURITY\.md|THIRD-PARTY-NOTICES|package\.json)$/;
    expect(files.filter((path) => !known.test(path))).toEqual([]);
  });

  it.each(files.filter((path) => path.endsWith(".md")))(
    "has all that %s links to",
    async (page) => {
      const missing = (await linksOf(page)).filter(
        (target) => !files.some((path) => path === target || path.startsWith(`${target}/`)),
      );
      expect(missing).toEqual([]);
    },
  );
});
