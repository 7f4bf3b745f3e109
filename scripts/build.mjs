// Bundles the program: `node scripts/build.mjs [folder]`, by default into dist/.
import { chmod, rm } from "node:fs/promises";
import { join, resolve } from "node:path";
import { build } from "esbuild";

const outdir = process.argv[2] ?? "dist";
await rm(outdir, { recursive: true, force: true });
await build({
  entryPoints: { cli: "src/cli.ts" },
  outdir,
  bundle: true,
  splitting: true,
  format: "esm",
  platform: "node",
  target: "node20.18",
  minify: true,
  legalComments: "linked",
  // Native code stays a package of its own; everything else is in the bundle.
  alias: { "@modelcontextprotocol/server/_shims": resolve("scripts/mcp-shims.mjs") },
  external: ["sharp", "@photostructure/sqlite"],
  // Some bundled CommonJS packages call `require` for Node's own modules.
  banner: {
    js: 'import{createRequire as __createRequire}from"node:module";const require=__createRequire(import.meta.url);',
  },
});
await chmod(join(outdir, "cli.js"), 0o755);
