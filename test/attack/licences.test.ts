import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { build } from "esbuild";
import { describe, expect, it } from "vitest";
import { licenceProblem } from "../../scripts/licence-rules.ts";
import { licenceProblems, noticesText } from "../../scripts/notices.ts";
import { PackageReader } from "../../scripts/shipped-packages.ts";
import { tempDir } from "../support/temp-dir.ts";

const MIT =
  "MIT License\n\nCopyright (c) A. Author\n\nPermission is hereby granted, free of charge, …";

interface Fixture {
  name: string;
  licence?: string;
  /** Files beside its `package.json` and `index.js`. */
  files?: Readonly<Record<string, string>>;
  code?: string;
}

/** Bundles a program that uses these packages, as the build does, and reads what it is made of. */
async function bundleOf(fixtures: readonly Fixture[], index: object = {}) {
  const root = await tempDir();
  for (const { name, licence, files = {}, code } of fixtures) {
    const folder = join(root, "node_modules", name);
    await mkdir(folder, { recursive: true });
    const about = { name, version: "1.0.0", ...(licence && { license: licence }) };
    const all = {
      "package.json": JSON.stringify(about),
      "index.js": code ?? `export const used = ${JSON.stringify(name)};\n`,
      ...files,
    };
    for (const [file, text] of Object.entries(all)) await writeFile(join(folder, file), text);
  }
  const used = fixtures.map(({ name }, place) => `import { used as a${place} } from "${name}";`);
  const shown = fixtures.map((_, place) => `console.log(a${place});`);
  await writeFile(join(root, "entry.js"), [...used, ...shown].join("\n"));
  const { metafile } = await build({
    absWorkingDir: root,
    entryPoints: ["entry.js"],
    outdir: "dist",
    bundle: true,
    format: "esm",
    metafile: true,
    logLevel: "silent",
  });
  const thirdParty = join(root, "third-party");
  await mkdir(join(thirdParty, "kept@1.0.0"), { recursive: true });
  await writeFile(join(thirdParty, "kept@1.0.0", "LICENSE"), MIT);
  await writeFile(
    join(thirdParty, "index.json"),
    JSON.stringify({
      texts: [{ name: "kept", version: "1.0.0", licence: "MIT", source: "a test" }],
      embedded: {},
      ...index,
    }),
  );
  const reader = await PackageReader.open(thirdParty);
  return reader.bundled(metafile, root);
}

const fine: Fixture = { name: "fine", licence: "MIT", files: { "license.md": MIT } };

describe("the licence check", () => {
  it("lets packages with an allowed licence and its text pass, and hands the texts on", async () => {
    const apache = "Apache License\n   Version 2.0, January 2004\n…";
    const noticed: Fixture = {
      name: "@scope/noticed",
      licence: "Apache-2.0",
      files: { LICENSE: apache, NOTICE: "This product includes work of N. Oticed." },
    };
    const bundled = await bundleOf([fine, noticed]);
    expect(licenceProblems(bundled, "bundled")).toEqual([]);
    const text = noticesText(bundled, { licence: "the font's", text: "of the font" });
    for (const words of ["fine@1.0.0", "@scope/noticed@1.0.0", "A. Author", "N. Oticed"]) {
      expect(text).toContain(words);
    }
  });

  it("fails when a package without a text is added to the bundle", async () => {
    const bundled = await bundleOf([fine, { name: "bare", licence: "MIT" }]);
    expect(licenceProblems(bundled, "bundled")).toEqual(["bare@1.0.0: it has no licence text"]);
  });

  it.each([
    ["an empty text", { LICENSE: " \n" }, "it has no licence text"],
    [
      "a text that only points elsewhere",
      { LICENSE: "See the web." },
      "the text of MIT is missing",
    ],
  ])("fails for %s", async (_, files, problem) => {
    const bundled = await bundleOf([{ name: "thin", licence: "MIT", files }]);
    expect(licenceProblems(bundled, "bundled")).toEqual([`thin@1.0.0: ${problem}`]);
  });

  it.each([
    "GPL-3.0-only",
    "SEE LICENSE IN LICENSE",
    "",
    "LGPL-3.0-or-later",
    "MIT AND GPL-3.0-only",
  ])("fails for the licence %j", async (licence) => {
    const bundled = await bundleOf([{ name: "other", licence, files: { LICENSE: MIT } }]);
    expect(licenceProblems(bundled, "bundled")).toEqual([
      expect.stringMatching(/^other@1\.0\.0: its licence .* is not on the list/),
    ]);
  });

  it("is satisfied with one of several licences, and wants each of a sum", () => {
    expect(licenceProblem("(MIT OR GPL-3.0-only)", [MIT], "bundled")).toBeUndefined();
    expect(licenceProblem("MIT AND ISC", [MIT], "bundled")).toBe("the text of ISC is missing");
    expect(
      licenceProblem(
        "LGPL-3.0-or-later",
        ["GNU LESSER GENERAL PUBLIC LICENSE\n Version 3"],
        "carried",
      ),
    ).toBeUndefined();
  });

  it("finds what a bundler copied into a package, and wants a text of that very version", async () => {
    const marked = (name: string) =>
      `//#region ../../node_modules/.pnpm/${name}@1.0.0/node_modules/${name}/index.js\nexport const used = 1;\n//#endregion\n`;
    const host = (name: string): Fixture => ({ ...fine, code: marked(name) });
    expect(licenceProblems(await bundleOf([host("kept")]), "bundled")).toEqual([]);
    expect(licenceProblems(await bundleOf([host("unknown")]), "bundled")).toEqual([
      expect.stringMatching(/^unknown@1\.0\.0 \(copied into fine@1\.0\.0\): /),
    ]);
  });

  it("asks to look again where a package that contains others has another version", async () => {
    const known = await bundleOf([fine], { embedded: { "fine@1.0.0": ["kept@1.0.0"] } });
    expect(known.map(({ name, within }) => [name, within])).toEqual([
      ["fine", undefined],
      ["kept", "fine@1.0.0"],
    ]);
    await expect(bundleOf([fine], { embedded: { "fine@0.9.0": ["kept@1.0.0"] } })).rejects.toThrow(
      "fine@1.0.0 is bundled: look through it",
    );
  });
});

describe("THIRD-PARTY-NOTICES", () => {
  it("names the packages of the start and of what is loaded later, copies in them, and the font", async () => {
    const text = await readFile("THIRD-PARTY-NOTICES", "utf8");
    for (const name of ["zod@", "undici@", "llhttp (copied into undici", "ajv@", "DejaVu fonts"]) {
      expect(text).toContain(`\n  ${name}`);
    }
    expect(text).toContain("Fedor Indutny");
    expect(text).toContain("Bitstream Vera");
  });
});
