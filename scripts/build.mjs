// Bundles the program: `node scripts/build.mjs [folder [metafile]]`, by default into dist/; the
// metafile tells what the bundle is made of.
import { chmod, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { build } from "esbuild";

const [outdir = "dist", metafilePath] = process.argv.slice(2);
const entry = resolve("src/cli/main.ts");

/**
 * Every file that a start has to open costs it about a millisecond, and esbuild makes a file of
 * each set of modules that the same parts share. Parts that are loaded later, by `import()`, are
 * therefore made to lean on the entry as a whole: all that a start needs becomes one file.
 */
const oneFileToStart = {
  name: "one-file-to-start",
  async setup({ onLoad }) {
    const loadedLater = await importedLater("src");
    onLoad({ filter: /\.ts$/ }, async ({ path }) =>
      loadedLater.has(path)
        ? {
            contents: `import ${JSON.stringify(entry)};\n${await readFile(path, "utf8")}`,
            loader: "ts",
          }
        : undefined,
    );
  },
};

/** Every module below a folder that some other loads by `import()`. */
async function importedLater(folder) {
  const entries = await readdir(folder, { recursive: true });
  const found = entries
    .filter((name) => name.endsWith(".ts"))
    .map(async (name) => {
      const path = resolve(folder, name);
      const calls = (await readFile(path, "utf8")).matchAll(/\bimport\("(\.[^"]+)"\)/g);
      return [...calls].map(([, target]) => resolve(dirname(path), target));
    });
  return new Set((await Promise.all(found)).flat());
}

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

/** What a module exports, itself made of sources alone. */
async function valuesOf(path) {
  const folder = await mkdtemp(join(resolve("node_modules"), ".prepared-"));
  try {
    const outfile = join(folder, "values.mjs");
    await build({
      entryPoints: [path],
      outfile,
      bundle: true,
      format: "esm",
      platform: "node",
      target: "node20.18",
      packages: "external",
    });
    return { ...(await import(pathToFileURL(outfile).href)) };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

await rm(outdir, { recursive: true, force: true });
const { metafile } = await build({
  metafile: metafilePath !== undefined,
  entryPoints: { cli: entry },
  outdir,
  bundle: true,
  splitting: true,
  format: "esm",
  platform: "node",
  target: "node20.18",
  minify: true,
  legalComments: "linked",
  plugins: [preparedData, oneFileToStart],
  alias: { "@modelcontextprotocol/server/_shims": resolve("scripts/mcp-shims.mjs") },
  // Native code stays a package of its own; everything else is in the bundle.
  external: ["sharp", "@photostructure/sqlite"],
  // Some bundled CommonJS packages call `require` for Node's own modules.
  banner: {
    js: 'import{createRequire as __createRequire}from"node:module";const require=__createRequire(import.meta.url);',
  },
});
await chmod(join(outdir, "cli.js"), 0o755);
if (metafilePath !== undefined) await writeFile(metafilePath, JSON.stringify(metafile));
