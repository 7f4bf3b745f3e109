import { AppError } from "../core/errors.ts";
import { type DocumentedTool, documentedTools, priceText } from "./documented.ts";
import { code, table } from "./markdown.ts";
import { settingsTable } from "./settings.ts";

/** What stands between `<!-- generated:NAME -->` and `<!-- /generated:NAME -->` in the README. */
const BLOCKS: Readonly<Record<string, () => string>> = {
  tools: toolsTables,
  settings: settingsTable,
};

/**
 * The README with its generated parts renewed, everything else as it is.
 * @throws {internal} where a part has no place in the README, or a place has no part.
 */
export function fillReadme(readme: string): string {
  const filled = new Set<string>();
  const result = readme.replaceAll(
    /(<!-- generated:(\w+) -->\n).*?(<!-- \/generated:\2 -->)/gs,
    (_, begin: string, name: string, end: string) => {
      const render = BLOCKS[name];
      if (!render) throw new AppError("internal", `README.md: no such generated part: ${name}.`);
      filled.add(name);
      return `${begin}\n${render()}\n\n${end}`;
    },
  );
  const missing = Object.keys(BLOCKS).filter((name) => !filled.has(name));
  if (missing.length === 0) return result;
  throw new AppError("internal", `README.md has no place for: ${missing.join(", ")}.`);
}

function toolsTables(): string {
  const tools = documentedTools();
  return [
    table(
      ["Start tool", "What it does", "Printed price", "Usual time"],
      tools.flatMap(({ tool, operation }) =>
        operation
          ? [
              [
                code(tool.name),
                tool.title,
                priceText(operation),
                `${operation.pace.typicalMs / 1000} s`,
              ],
            ]
          : [],
      ),
    ),
    table(
      ["Other tool", "What it does"],
      tools.filter(isOther).map(({ tool }) => [code(tool.name), tool.description]),
    ),
  ].join("\n\n");
}

function isOther({ operation }: DocumentedTool): boolean {
  return operation === undefined;
}
