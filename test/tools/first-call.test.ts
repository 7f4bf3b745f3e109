import { readFileSync } from "node:fs";
import { posix } from "node:path";
import { parseSync } from "oxc-parser";
import { expect, it, vi } from "vitest";
import * as z from "zod";
import { defineTool } from "../../src/tools/tool.ts";
import { idleToolDeps } from "../support/tool-deps.ts";

/** What a file needs to be run: no types, and nothing that it loads by `import()`. */
function neededBy(path: string): string[] {
  const { module } = parseSync(path, readFileSync(path, "utf8"));
  const statically = [
    ...module.staticImports.map(({ moduleRequest, entries }) => ({ moduleRequest, entries })),
    ...module.staticExports.map(({ entries }) => ({
      moduleRequest: entries[0]?.moduleRequest,
      entries,
    })),
  ];
  return statically.flatMap(({ moduleRequest, entries }) => {
    const isNeeded = entries.length === 0 || entries.some(({ isType }) => !isType);
    return moduleRequest && isNeeded ? [moduleRequest.value] : [];
  });
}

/** The packages, and Node's own modules, that are loaded with a file. */
function loadedWith(entry: string): Set<string> {
  const packages = new Set<string>();
  const files = new Set([entry]);
  for (const file of files) {
    for (const needed of neededBy(file)) {
      if (needed.startsWith(".")) files.add(posix.join(posix.dirname(file), needed));
      else packages.add(needed);
    }
  }
  // Otherwise nothing was followed.
  expect(files.size).toBeGreaterThan(50);
  return packages;
}

it("loads nothing that only requests, files or pictures need", () => {
  const loaded = loadedWith("src/tools/tool-list.ts");
  expect(loaded).toContain("zod");
  for (const heavy of ["undici", "file-type", "sharp", "node:http", "node:stream/web", "pino"]) {
    expect(loaded).not.toContain(heavy);
  }
});

it("opens the record and all that buys without what makes requests or serves them", () => {
  const loaded = loadedWith("src/runtime/open-runtime.ts");
  expect(loaded).toContain("node:path");
  for (const heavy of ["undici", "node:http", "node:https", "node:http2", "node:tls", "sharp"]) {
    expect(loaded).not.toContain(heavy);
  }
});

it("makes the schemas of no other tool, and those of its own once", async () => {
  const input = vi.fn(() => z.object({ job_id: z.string() }));
  const output = vi.fn(() => z.object({}));
  const tool = defineTool(idleToolDeps(), {
    ...{ name: "looks", title: "Looks", description: "Looks.", kind: "read" as const },
    ...{ input, output, run: async () => [] },
  });
  expect([tool.name, tool.isConstant]).toEqual(["looks", false]);
  expect(input).not.toHaveBeenCalled();
  for (const job_id of ["a", "b"]) expect(tool.read({ job_id }).values).toEqual({ job_id });
  expect(tool.inputSchema["properties"]).toHaveProperty("job_id");
  expect(input).toHaveBeenCalledTimes(1);
  expect(output).not.toHaveBeenCalled();
});
