import { INJECTED } from "../arguments/argument-names.ts";
import { ERROR_RULES } from "../core/errors.ts";
import { argumentsTable } from "./arguments-table.ts";
import { type DocumentedTool, documentedTools, priceText } from "./documented.ts";
import { code, codes, table } from "./markdown.ts";

/** Every tool with its arguments, limits and facts. */
export function toolsReference(): string {
  return documentedTools().map(toolSection).join("\n\n");
}

/** The names that hosts put beside a tool's own arguments. */
export function injectedNames(): string {
  return [...INJECTED].map(([name, host]) => `${code(name)} (${host})`).join(", ");
}

function toolSection({ tool, operation }: DocumentedTool): string {
  const facts = [["Hints", hints(tool.annotations)]];
  if (operation) {
    facts.push(
      ["Price", `${priceText(operation)} ("${operation.price.source}")`],
      ["Usual time", `${operation.pace.typicalMs / 1000} s`],
      ["Answers", operation.kind === "sync" ? "in the call itself" : "through a queue"],
      ["Path", code(`POST ${operation.path}`)],
      ["Source", operation.source],
    );
  }
  if (tool.output) {
    const fields = codes(Object.keys(tool.output.shape));
    facts.push(["Result", `structured data (${fields}), and the same JSON as text`]);
  }
  return [
    `### ${code(tool.name)}`,
    `**${tool.title}.** ${tool.description}`,
    argumentsTable(tool.inputSchema),
    facts.map(([name, fact]) => `- ${name}: ${fact}`).join("\n"),
  ].join("\n\n");
}

function hints(annotations: DocumentedTool["tool"]["annotations"]): string {
  return Object.entries(annotations)
    .filter(([name]) => name.endsWith("Hint"))
    .map(([name, value]) => `${name.replace(/Hint$/, "")} ${value ? "yes" : "no"}`)
    .join(", ");
}

/** Every error code: whether the same call can succeed later, who can act, and how. */
export function errorsTable(): string {
  return table(
    ["Code", "Retryable", "Who can act", "Next step"],
    Object.entries(ERROR_RULES).map(([name, rule]) => [
      code(name),
      rule.retryable ? "yes" : "no",
      rule.actor,
      rule.next,
    ]),
  );
}
