import { INJECTED } from "../arguments/names.ts";
import { ERROR_RULES } from "../core/errors.ts";
import { argumentsTable } from "./arguments.ts";
import { type DocumentedTool, documentedTools, priceText } from "./documented.ts";
import { code, table } from "./markdown.ts";
import { settingsTable } from "./settings.ts";

/** `docs/reference.md`: every tool, error code and setting. */
export function referencePage(): string {
  const tools = documentedTools();
  return [
    "# Reference",
    "Written by `npm run gen` from the program's own tables; do not edit.",
    `[Tools](#tools) (${tools.length}) · [Errors](#errors) · [Settings](#settings)`,
    "## Tools",
    argumentsSection(),
    ...tools.map(toolSection),
    "## Errors",
    "A failed call answers with `isError` and a text: the code, what happened, what to do next, and the job where one was recorded. *Retryable* means that the same call can succeed later without anyone changing anything.",
    errorsTable(),
    "## Settings",
    settingsTable(),
    "",
  ].join("\n\n");
}

/** What is common to the arguments of all tools. */
function argumentsSection(): string {
  const injected = [...INJECTED].map(([name, host]) => `${code(name)} (${host})`).join(", ");
  return [
    "**Arguments** are read leniently in form: `null` and an empty text count as left out (an empty `prompt`, `system`, `negative_prompt` or `default_caption` is kept); numbers, switches, lists and objects may come as text; a word of a list may be in another case or with other marks between its parts; blanks, quotes, `<…>`, a Markdown link or a leading `@` around a path, address or id are taken off; several addresses in one text are split where a list is taken. `wait_seconds` above its maximum is the maximum. They are read strictly in meaning: an argument that a tool does not have refuses the call before anything is recorded.",
    `What hosts put beside the arguments passes unread: ${injected}, and names that begin with ${code("_")} or ${code("x-")}, unless the rest is an argument of the tool or near one.`,
  ].join("\n\n");
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
  if (tool.outputSchema) facts.push(["Result", "structured data, and the same JSON as text"]);
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

function errorsTable(): string {
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
