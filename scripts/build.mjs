// Bundles the program: `node scripts/build.mjs [folder [metafile]]`, by default into dist/; the
// metafile tells what the bundle is made of.
import { chmod, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
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
  plugins: [oneFileToStart],
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
