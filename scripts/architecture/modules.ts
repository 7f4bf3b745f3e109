import { readdir, readFile } from "node:fs/promises";
import { join, posix, relative, sep } from "node:path";
import { parseSync } from "oxc-parser";
import { forEachNode, type Liberty, libertiesOf, type Node } from "./liberties.ts";

/** A source file, as far as the structure is concerned. */
export interface Module {
  /** From the root of the project, with `/`. */
  path: string;
  /** The project's own files that it imports, types included, as they are named here. */
  imports: readonly string[];
  /** Packages and Node's own modules that it imports. */
  packages: readonly string[];
  /** Every literal text in it, template pieces included. */
  texts: readonly string[];
  lines: number;
  liberties: readonly Liberty[];
}

/** Reads all TypeScript below `folder`. @param root what paths are told from. */
export async function readModules(root: string, folder: string): Promise<Module[]> {
  const entries = await readdir(join(root, folder), { recursive: true, withFileTypes: true });
  const paths = entries
    .filter(
      (entry) => entry.isFile() && entry.name.endsWith(".ts") && !entry.name.endsWith(".d.ts"),
    )
    .map((entry) => relative(root, join(entry.parentPath, entry.name)).split(sep).join("/"))
    .sort();
  return Promise.all(
    paths.map(async (path) => readModule(path, await readFile(join(root, path), "utf8"))),
  );
}

/** What a file's text says of itself; `import()` and type imports are imports like others. */
export function readModule(path: string, text: string): Module {
  const { module, program } = parseSync(path, text);
  const specifiers = [
    ...module.staticImports.map(({ moduleRequest }) => moduleRequest.value),
    ...module.staticExports.flatMap(({ entries }) =>
      entries.flatMap(({ moduleRequest }) => moduleRequest?.value ?? []),
    ),
    ...module.dynamicImports.flatMap(({ moduleRequest }) =>
      literal(text.slice(moduleRequest.start, moduleRequest.end)),
    ),
  ];
  const own = specifiers.filter((specifier) => specifier.startsWith("."));
  return {
    path,
    imports: unique(own.map((specifier) => posix.join(posix.dirname(path), specifier))),
    packages: unique(specifiers.filter((specifier) => !specifier.startsWith("."))),
    texts: textsIn(program),
    lines: text.trimEnd().split("\n").length,
    liberties: libertiesOf(program, text),
  };
}

function literal(expression: string): string[] {
  return /^(["'`]).*\1$/s.test(expression) ? [expression.slice(1, -1)] : [];
}

function unique(values: readonly string[]): string[] {
  return [...new Set(values)];
}

function textsIn(program: unknown): string[] {
  const texts: string[] = [];
  forEachNode(program, (node) => {
    const text = textOf(node);
    if (typeof text === "string") texts.push(text);
  });
  return texts;
}

function textOf({ type, value }: Node): unknown {
  if (type === "Literal") return value;
  if (type !== "TemplateElement" || typeof value !== "object" || value === null) return undefined;
  return "raw" in value ? value.raw : undefined;
}
