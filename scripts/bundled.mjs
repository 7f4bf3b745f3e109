import { mkdtemp, rm } from "node:fs/promises";
import { join, resolve } from "node:path";
import { build } from "esbuild";

/**
 * Makes a module that any supported Node can import of a TypeScript file of this project, for as
 * long as it is used.
 * @param use gets the module's path, and is waited for
 */
export async function whileBundled(entry, use) {
  // Below `node_modules`, so that packages are found from there.
  const folder = await mkdtemp(join(resolve("node_modules"), ".bundled-"));
  try {
    await build({
      entryPoints: { main: entry },
      outdir: folder,
      outExtension: { ".js": ".mjs" },
      bundle: true,
      format: "esm",
      // What is loaded by `import()` is not in memory before that.
      splitting: true,
      platform: "node",
      target: "node20.18",
      packages: "external",
    });
    return await use(join(folder, "main.mjs"));
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
