/** A Markdown table. Cells may be any text on one line; `|` is escaped. */
export function table(
  head: readonly string[],
  rows: readonly (readonly (string | undefined)[])[],
): string {
  const line = (cells: readonly (string | undefined)[]) =>
    `| ${cells.map((cell) => (cell ?? "").replaceAll("|", "\\|").replaceAll(/\s+/g, " ").trim()).join(" | ")} |`;
  return [line(head), line(head.map(() => "---")), ...rows.map(line)].join("\n");
}

export function code(text: string): string {
  return `\`${text}\``;
}

/** Names as code, separated by commas. */
export function codes(names: readonly string[]): string {
  return names.map(code).join(", ");
}
