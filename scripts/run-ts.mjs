// Runs a TypeScript file of this project on any supported Node: bundles it and imports the result.
import { mkdtemp, rm } from "node:fs/promises";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { build } from "esbuild";

const [entry, ...rest] = process.argv.slice(2);
const folder = await mkdtemp(join(resolve("node_modules"), ".run-"));
try {
  const outfile = join(folder, "main.mjs");
  await build({
    entryPoints: [entry],
    outfile,
    bundle: true,
    format: "esm",
    platform: "node",
    target: "node20.18",
    packages: "external",
  });
  process.argv.splice(1, process.argv.length, outfile, ...rest);
  await import(pathToFileURL(outfile).href);
} finally {
  await rm(folder, { recursive: true, force: true });
}
