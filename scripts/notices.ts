import { licenceProblem, type Place } from "./licence-rules.ts";
import { nameAndVersion, type ShippedPackage } from "./shipped-packages.ts";

const RULE = "-".repeat(80);

/** Every reason why these packages may not be shipped, one line each; none if they may. */
export function licenceProblems(packages: readonly ShippedPackage[], place: Place): string[] {
  return packages.flatMap((one) => {
    const problem = licenceProblem(one.licence, one.texts, place);
    return problem === undefined ? [] : [`${heading(one)}: ${problem}`];
  });
}

/**
 * The notices as one text: who, under what, and the full words.
 * @param carried packages that are shipped beside the bundle, as in the `.mcpb`
 */
export function noticesText(
  bundled: readonly ShippedPackage[],
  font: { licence: string; text: string },
  carried: readonly ShippedPackage[] = [],
): string {
  const parts = [
    "longcat-mcp contains the work of others, under these licences.",
    list("Code in dist/", bundled),
    `Files in assets/\n  DejaVu fonts: ${font.licence}`,
    ...(carried.length === 0 ? [] : [list("Packages in node_modules/", carried)]),
    ...[...bundled, ...carried].map(chapter),
    `${RULE}\nDejaVu fonts\n${font.licence}\n\n${tidy(font.text)}`,
  ];
  return `${parts.join("\n\n")}\n`;
}

function list(title: string, packages: readonly ShippedPackage[]): string {
  return [title, ...packages.map((one) => `  ${heading(one)}: ${one.licence}`)].join("\n");
}

function heading(one: ShippedPackage): string {
  return `${nameAndVersion(one)}${one.within === undefined ? "" : ` (copied into ${one.within})`}`;
}

function chapter(one: ShippedPackage): string {
  return [RULE, heading(one), one.licence, "", one.texts.map(tidy).join("\n\n")].join("\n");
}

function tidy(text: string): string {
  return text
    .replaceAll("\r\n", "\n")
    .replace(/[ \t]+$/gm, "")
    .trim();
}
