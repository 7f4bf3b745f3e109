import { readFile, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { build } from "esbuild";

const FOLDER = "src/page/viewer";

/** Writes the viewer as one file that loads nothing else: hosts show it in a frame without a network. */
export async function buildPage(outdir) {
  const [script, style] = await Promise.all([bundled("viewer-main.ts"), bundled("viewer.css")]);
  const page = (await readFile(join(FOLDER, "viewer.html"), "utf8"))
    .replace("/* viewer.css */", () => style)
    // What ends a script for the HTML reader is written otherwise in it.
    .replace("/* viewer-main.ts */", () => script.replaceAll("</script", "<\\/script"));
  await writeFile(join(outdir, "viewer.html"), page);
}

async function bundled(name) {
  const { outputFiles } = await build({
    entryPoints: [resolve(FOLDER, name)],
    bundle: true,
    minify: true,
    write: false,
    format: "iife",
    target: ["chrome109", "safari16", "firefox115"],
    legalComments: "none",
  });
  return outputFiles[0].text.trim();
}
