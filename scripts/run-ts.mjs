// Runs a TypeScript file of this project on any supported Node: bundles it and imports the result.
import { pathToFileURL } from "node:url";
import { whileBundled } from "./bundled.mjs";

const [entry, ...rest] = process.argv.slice(2);
await whileBundled(entry, async (outfile) => {
  process.argv.splice(1, process.argv.length, outfile, ...rest);
  await import(pathToFileURL(outfile).href);
});
