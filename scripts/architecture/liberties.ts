/** What the house does without, and what it does instead. */
const NEITHER = {
  cast: "a cast: parse or narrow instead; only `as const` is one that cannot be wrong",
  nonNull: "a `!` that says something is there: ask for it",
  any: "`any`: say what it is, or `unknown`",
  error: "an error without a code: throw an AppError of src/core/errors.ts",
};

/** An error class of the language itself. */
const BARE_ERROR = /^(?:Aggregate|Eval|Range|Reference|Syntax|Type|URI)?Error$/;

/** Something in a file that the house does without. */
export interface Liberty {
  /** The first is 1. */
  line: number;
  what: string;
}

/** The liberties that a parsed program takes. @param text what it was parsed from. */
export function libertiesOf(program: unknown, text: string): Liberty[] {
  const found: Liberty[] = [];
  forEachNode(program, (node) => {
    const kind = libertyOf(node);
    if (!kind) return;
    found.push({ line: text.slice(0, startOf(node)).split("\n").length, what: NEITHER[kind] });
  });
  return found;
}

export type Node = Readonly<Record<string, unknown>>;

function libertyOf(node: Node): keyof typeof NEITHER | undefined {
  switch (node["type"]) {
    case "TSAsExpression":
      return nameOf(fieldOf(node, "typeAnnotation"), "typeName") === "const" ? undefined : "cast";
    case "TSTypeAssertion":
      return "cast";
    case "TSNonNullExpression":
      return "nonNull";
    case "TSAnyKeyword":
      return "any";
    case "NewExpression":
    case "CallExpression":
      return BARE_ERROR.test(nameOf(node, "callee") ?? "") ? "error" : undefined;
    default:
      return undefined;
  }
}

function nameOf(node: Node | undefined, field: string): string | undefined {
  const name = fieldOf(node, field)?.["name"];
  return typeof name === "string" ? name : undefined;
}

function fieldOf(node: Node | undefined, field: string): Node | undefined {
  const value = node?.[field];
  return isNode(value) ? value : undefined;
}

function startOf(node: Node): number {
  return typeof node["start"] === "number" ? node["start"] : 0;
}

/** Looks at every node of a parsed program, a parent before what is in it. */
export function forEachNode(value: unknown, look: (node: Node) => void): void {
  if (Array.isArray(value)) {
    for (const one of value) forEachNode(one, look);
  } else if (isNode(value)) {
    look(value);
    for (const name in value) forEachNode(value[name], look);
  }
}

function isNode(value: unknown): value is Node {
  return typeof value === "object" && value !== null;
}
