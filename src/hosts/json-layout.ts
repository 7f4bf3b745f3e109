import type { Node } from "jsonc-parser";

/** How a text is laid out, for what is added to look the same. */
export interface Layout {
  eol: string;
  /** One step of indentation. */
  unit: string;
  /** Whether the text is one line without blanks. */
  isCompact: boolean;
  /** The blanks that begin the line of a place. */
  indentAt: (offset: number) => string;
  /** A value over several lines, whose first stands where it is put. */
  rendered: (value: unknown, indent: string) => string;
  /** A value on one line, with blanks between its parts. */
  inline: (value: unknown) => string;
}

/** @param root what was parsed of the text, if there is anything */
export function layoutOf(body: string, root: Node | undefined): Layout {
  const eol = /\r\n|\n|\r/.exec(body)?.[0] ?? "\n";
  const indentAt = (offset: number) => {
    const line =
      body
        .slice(0, offset)
        .split(/[\r\n]/)
        .at(-1) ?? "";
    return /^[ \t]*/.exec(line)?.[0] ?? "";
  };
  const unit = root ? unitOf(root, indentAt) : "  ";
  return {
    eol,
    unit,
    isCompact: root !== undefined && !/[\r\n]/.test(body.trim()) && !/[:,]\s/.test(body),
    indentAt,
    rendered: (value, indent) =>
      JSON.stringify(value, undefined, unit).split("\n").join(`${eol}${indent}`),
    inline: (value) =>
      JSON.stringify(value, undefined, 1)
        .replaceAll(/\n\s*([\]}])/g, (_, close: string) => (close === "}" ? " }" : close))
        .replaceAll(/([[{])\n\s*/g, (_, open: string) => (open === "{" ? "{ " : open))
        .replaceAll(/\n\s*/g, " "),
  };
}

function unitOf(root: Node, indentAt: (offset: number) => string): string {
  const first = root.children?.[0];
  const outer = indentAt(root.offset);
  const inner = first ? indentAt(first.offset) : "";
  return inner.length > outer.length ? inner.slice(outer.length) : "  ";
}
