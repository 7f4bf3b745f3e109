import { readFile, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { build } from "esbuild";

const FOLDER = "src/page/viewer";
const GALLERY = "src/page/gallery";

/** Writes what browsers are given. */
export async function buildPages(outdir) {
  await Promise.all([buildViewer(outdir), buildGallery(outdir)]);
}

/** The viewer is one file that loads nothing else: hosts show it in a frame without a network. */
async function buildViewer(outdir) {
  const [script, style] = await Promise.all([
    bundled(FOLDER, "viewer-main.ts"),
    bundled(FOLDER, "viewer.css"),
  ]);
  const page = (await readFile(join(FOLDER, "viewer.html"), "utf8"))
    .replace("/* viewer.css */", () => style)
    // What ends a script for the HTML reader is written otherwise in it.
    .replace("/* viewer-main.ts */", () => script.replaceAll("</script", "<\\/script"));
  await writeFile(join(outdir, "viewer.html"), page);
}

/** The gallery's pages are made by the server; their script and style are files of their own. */
async function buildGallery(outdir) {
  const files = { "gallery.js": "gallery-main.ts", "gallery.css": "gallery.css" };
  await Promise.all(
    Object.entries(files).map(async ([name, source]) =>
      writeFile(join(outdir, name), await bundled(GALLERY, source)),
    ),
  );
}

async function bundled(folder, name) {
  const { outputFiles } = await build({
    entryPoints: [resolve(folder, name)],
    bundle: true,
    minify: true,
    write: false,
    format: "iife",
    target: ["chrome109", "safari16", "firefox115"],
    legalComments: "none",
  });
  return outputFiles[0].text.trim();
}
