import { type DocumentedTool, documentedTools, priceText } from "./documented.ts";
import { code, table } from "./markdown.ts";

/** All tools in two tables: those that start jobs of the image models, and the others. */
export function toolsTables(): string {
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
