import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { licenceProblems, noticesText } from "./notices.ts";
import { PackageReader, type ShippedPackage } from "./shipped-packages.ts";

export const NOTICES = "THIRD-PARTY-NOTICES";
export const FONT = {
  name: "assets/fonts/DejaVuSans-Bold.ttf",
  licence: "Bitstream Vera and Arev Fonts licences",
  text: "assets/fonts/DejaVu-LICENSE.txt",
};

/** What is in this project's bundle, by a build of its own. */
export async function shippedHere(): Promise<ShippedPackage[]> {
  const folder = await mkdtemp(join(tmpdir(), "longcat-mcp-metafile-"));
  try {
    const metafile = join(folder, "meta.json");
    const args = ["scripts/build.mjs", join(folder, "dist"), metafile];
    await promisify(execFile)(process.execPath, args);
    const reader = await PackageReader.open("third-party");
    return await reader.bundled(JSON.parse(await readFile(metafile, "utf8")), ".");
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/**
 * The notices of this project's packages.
 * @throws naming every package that may not be shipped, and why.
 */
export async function noticesHere(
  bundled: readonly ShippedPackage[],
  carried: readonly ShippedPackage[] = [],
): Promise<string> {
  const problems = [...licenceProblems(bundled, "bundled"), ...licenceProblems(carried, "carried")];
  if (problems.length > 0) {
    throw new Error(
      `These packages cannot be shipped as they are (third-party/README.md says what helps):\n${problems.join("\n")}`,
    );
  }
  const text = await readFile(FONT.text, "utf8");
  return noticesText(bundled, { licence: FONT.licence, text }, carried);
}
