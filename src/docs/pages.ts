import { AppError } from "../core/errors.ts";
import { commandsTable } from "./commands-table.ts";
import { faultsTable } from "./faults-table.ts";
import { installLinks } from "./install-links.ts";
import { settingsTable } from "./settings-table.ts";
import { errorsTable, injectedNames, toolsReference } from "./tools-reference.ts";
import { toolsTables } from "./tools-tables.ts";

/** What can stand between `<!-- generated:NAME -->` and `<!-- /generated:NAME -->` in a page. */
export type Blocks = Readonly<Record<string, () => string>>;

/** The parts of pages that repeat the program's own tables. */
export const BLOCKS: Blocks = {
  tools: toolsTables,
  "tool-reference": toolsReference,
  "injected-names": injectedNames,
  errors: errorsTable,
  settings: settingsTable,
  commands: commandsTable,
  "install-links": installLinks,
  faults: faultsTable,
};

/**
 * The pages, by path, with their generated parts renewed and everything else as it is; those that
 * have no such part are left out.
 * @throws {internal} where a part has no place in any page, or a place has no part.
 */
export function fillPages(pages: ReadonlyMap<string, string>, blocks: Blocks): Map<string, string> {
  const placed = new Set<string>();
  const filled = new Map<string, string>();
  for (const [path, text] of pages) {
    const result = text.replaceAll(
      /(<!-- generated:([\w-]+) -->\n).*?(<!-- \/generated:\2 -->)/gs,
      (_, begin: string, name: string, end: string) => {
        const render = blocks[name];
        if (!render) throw new AppError("internal", `${path}: no such generated part: ${name}.`);
        placed.add(name);
        filled.set(path, "");
        return `${begin}\n${render()}\n\n${end}`;
      },
    );
    if (filled.has(path)) filled.set(path, result);
  }
  const missing = Object.keys(blocks).filter((name) => !placed.has(name));
  if (missing.length === 0) return filled;
  throw new AppError("internal", `No page has a place for: ${missing.join(", ")}.`);
}
