// Bundles the program: `node scripts/build.mjs [folder [metafile]]`, by default into dist/; the
// metafile tells what the bundle is made of.
import { createHash } from "node:crypto";
import { chmod, readFile, rm, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { build } from "esbuild";
import { buildPages } from "./build-page.mjs";
import { whileBundled } from "./bundled.mjs";
import { escaped } from "./escaped.mjs";
import { MENDED, mended } from "./mended-driver.mjs";
import { prepareAnswers } from "./prepare-answers.mjs";

const [outdir = "dist", metafilePath] = process.argv.slice(2);

const common = {
  outdir,
  bundle: true,
  platform: "node",
  target: "node20.18",
  // CommonJS in one file: V8 can keep what it has compiled of it. What is loaded by `import()` is
  // in it too, and runs when it is asked for.
  format: "cjs",
  // Packages are loaded by `require`, since scripts with compiled code may not use `import()`.
  supported: { "dynamic-import": false },
  minify: true,
  legalComments: "linked",
};

/**
 * What a module `*.prepared.ts` exports is worked out here, once for all starts of the program: in
 * the bundle it is the JSON of its values, and what worked them out is not loaded for them.
 */
const preparedData = {
  name: "prepared-data",
  setup({ onLoad }) {
    onLoad({ filter: /\.prepared\.ts$/ }, async ({ path }) => {
      const exported = Object.entries(await valuesOf(path)).map(([name, value]) => {
        const json = JSON.stringify(value);
        return `export const ${name} = JSON.parse(${JSON.stringify(json)});`;
      });
      return { contents: exported.join("\n"), loader: "js" };
    });
  },
};

const mendedDriver = {
  name: "mended-driver",
  setup({ onLoad }) {
    onLoad({ filter: MENDED }, async ({ path }) => ({
      contents: mended(path, await readFile(path, "utf8")),
      loader: "js",
    }));
  },
};

/** What a module exports, itself made of sources alone. */
function valuesOf(path) {
  return whileBundled(path, async (outfile) => ({
    ...(await import(pathToFileURL(outfile).href)),
  }));
}

await rm(outdir, { recursive: true, force: true });
const { metafile } = await build({
  ...common,
  metafile: metafilePath !== undefined,
  entryPoints: { program: resolve("src/cli/main.ts") },
  outExtension: { ".js": ".cjs" },
  plugins: [preparedData, mendedDriver],
  alias: {
    "@modelcontextprotocol/server/_shims": resolve("scripts/mcp-shims.mjs"),
    undici: resolve("scripts/undici-parts.mjs"),
    // What it offers to `require` loads its parts in a way that no bundler follows.
    "jsonc-parser": resolve("node_modules/jsonc-parser/lib/esm/main.js"),
  },
  // Native code stays a package of its own; everything else is in the bundle.
  external: ["sharp", "@photostructure/sqlite"],
  define: { "import.meta.url": "__programUrl" },
  banner: { js: 'const __programUrl=require("node:url").pathToFileURL(__filename).href;' },
});
// It is read a byte a character when it is loaded, which takes half the memory, and is a whole
// expression: what is put together first would be in memory twice.
const bundle = await readFile(join(outdir, "program.cjs"), "utf8");
const program = escaped(
  `(function (exports, require, module, __filename, __dirname) {${bundle}\n})`,
);
await writeFile(join(outdir, "program.cjs"), program);
const digest = createHash("sha256").update(program).digest("hex").slice(0, 16);
await build({
  ...common,
  entryPoints: { cli: resolve("src/front/entry.ts") },
  legalComments: "none",
  define: { PROGRAM_DIGEST: JSON.stringify(digest) },
});
await chmod(join(outdir, "cli.js"), 0o755);
await buildPages(outdir);
// The package is one of modules; these two files are not.
await writeFile(join(outdir, "package.json"), '{ "type": "commonjs" }\n');
await writeFile(join(outdir, "prepared.json"), JSON.stringify(await prepareAnswers(outdir)));
if (metafilePath !== undefined) await writeFile(metafilePath, JSON.stringify(metafile));
