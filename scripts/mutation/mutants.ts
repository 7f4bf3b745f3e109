import { parseSync } from "oxc-parser";

/** One small change of a file after which its tests should fail. */
export interface Mutant {
  /** Offsets in the file's text. */
  start: number;
  end: number;
  replacement: string;
  /** Counts from 1. */
  line: number;
  /** What it changes, such as `a < b → a <= b`. */
  about: string;
}

const OPERATORS: Readonly<Record<string, string>> = {
  "===": "!==",
  "!==": "===",
  "<": "<=",
  "<=": "<",
  ">": ">=",
  ">=": ">",
  "&&": "||",
  "||": "&&",
  "??": "&&",
  "+": "-",
  "-": "+",
  "*": "/",
  "/": "*",
};

/** Calls whose loss no user of the program would notice. */
const UNIMPORTANT = /^(?:.*\blog\.(?:debug|info|warn|error)|.*\breached)$/;

/** All mutants of a file. Types, imports and log lines have none. */
export function mutantsOf(path: string, text: string): Mutant[] {
  const mutants: Mutant[] = [];
  const add = (start: number, end: number, replacement: string) => {
    const line = text.slice(0, start).split("\n").length;
    const about = `${oneLine(text.slice(start, end))} → ${oneLine(replacement) || "nothing"}`;
    mutants.push({ start, end, replacement, line, about });
  };
  const visit = (node: unknown): void => {
    if (Array.isArray(node)) {
      for (const one of node) visit(one);
      return;
    }
    if (!isNode(node) || node.type.startsWith("TS") || node.type.startsWith("Import")) return;
    const at = (part: unknown) => (isNode(part) ? text.slice(part.start, part.end) : "");
    switch (node.type) {
      case "BinaryExpression":
      case "LogicalExpression": {
        const swapped = OPERATORS[String(node.operator)];
        // Texts are joined, not added.
        if (swapped && !(node.operator === "+" && /["'`]/.test(at(node)))) {
          add(node.start, node.end, `${at(node.left)} ${swapped} ${at(node.right)}`);
        }
        break;
      }
      case "UnaryExpression":
        if (node.operator === "!") add(node.start, node.end, at(node.argument));
        break;
      case "Literal":
        if (typeof node.value === "boolean") add(node.start, node.end, String(!node.value));
        if (typeof node.value === "number") add(node.start, node.end, String(node.value + 1));
        break;
      case "IfStatement":
      case "ConditionalExpression":
        if (isNode(node.test)) {
          add(node.test.start, node.test.end, "true");
          add(node.test.start, node.test.end, "false");
        }
        break;
      case "ExpressionStatement": {
        const call = isNode(node.expression) ? unwrapped(node.expression) : undefined;
        if (call?.type !== "CallExpression" || at(call.callee) === "super") break;
        if (UNIMPORTANT.test(at(call.callee))) return;
        add(node.start, node.end, ";");
        break;
      }
      default:
        break;
    }
    for (const [key, value] of Object.entries(node)) if (key !== "type") visit(value);
  };
  visit(parseSync(path, text).program);
  return mutants;
}

export function mutated(text: string, { start, end, replacement }: Mutant): string {
  return text.slice(0, start) + replacement + text.slice(end);
}

interface Node {
  type: string;
  start: number;
  end: number;
  [field: string]: unknown;
}

function isNode(value: unknown): value is Node {
  return (
    typeof value === "object" &&
    value !== null &&
    "type" in value &&
    typeof value.type === "string" &&
    "start" in value &&
    "end" in value
  );
}

/** The call that is awaited, or whose result is thrown away. */
function unwrapped(node: Node): Node {
  const isWrapper = node.type === "AwaitExpression" || node.operator === "void";
  return isWrapper && isNode(node.argument) ? unwrapped(node.argument) : node;
}

function oneLine(text: string): string {
  const line = text.replaceAll(/\s+/g, " ").trim();
  return line.length > 80 ? `${line.slice(0, 80)}…` : line;
}
