// What `npm run package` checks of the packages that it ships:
// `compliance.ts check SBOM [--require-audit]` for the bundle, `compliance.ts carry FOLDER` for
// what lies beside it in a `.mcpb`, whose notices it writes.
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import packageJson from "../package.json" with { type: "json" };
import { auditPackages } from "./audit.ts";
import { lockedPackages } from "./lockfile.ts";
import { sbomText } from "./sbom.ts";
import { FONT, NOTICES, noticesHere, shippedHere } from "./shipped.ts";
import { PackageReader, type ShippedPackage } from "./shipped-packages.ts";

const [command, path = "", ...flags] = process.argv.slice(2);
try {
  const bundled = await shippedHere();
  if (command === "check") await check(bundled, path, flags.includes("--require-audit"));
  else if (command === "carry") await carry(bundled, path);
  else throw new Error(`There is no command "${command}".`);
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
}

async function check(
  bundled: readonly ShippedPackage[],
  sbomPath: string,
  mustAudit: boolean,
): Promise<void> {
  const written = await readFile(NOTICES, "utf8").catch(() => "");
  if ((await noticesHere(bundled)) !== written) {
    throw new Error(`${NOTICES} is not that of this bundle; \`npm run gen\` renews it.`);
  }
  say(`${NOTICES} has the texts of ${bundled.length} packages`);
  const locked = lockedPackages(await readFile("package-lock.json", "utf8"));
  const font = { name: FONT.name, licence: FONT.licence, bytes: await readFile(FONT.name) };
  await writeFile(sbomPath, sbomText({ project: packageJson, bundled, locked, font }));
  const beside = locked.filter(({ isDevelopment }) => !isDevelopment);
  const outcome = await auditPackages(
    [...bundled, ...beside],
    process.env["npm_execpath"],
    process.env,
  );
  if (outcome.kind === "clean") say(`npm audit knows nothing against ${outcome.count} packages`);
  else if (outcome.kind === "findings") {
    throw new Error(`npm audit knows of:\n${outcome.findings.join("\n")}`);
  } else if (mustAudit) throw new Error(`NOT AUDITED: ${outcome.reason}`);
  else {
    process.stderr.write(
      `WARNING: NOT AUDITED, the packages may have known faults: ${outcome.reason}\nWith --require-audit this ends the check.\n`,
    );
  }
}

/** The font and the bundle's packages are in these notices as well: a `.mcpb` has one file. */
async function carry(bundled: readonly ShippedPackage[], folder: string): Promise<void> {
  const reader = await PackageReader.open("third-party");
  const carried = await reader.installed(join(folder, "node_modules"));
  await writeFile(join(folder, NOTICES), await noticesHere(bundled, carried));
}

function say(text: string): void {
  process.stdout.write(`${text}\n`);
}
