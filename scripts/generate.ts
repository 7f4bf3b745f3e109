// Rewrites what is made from the program's own tables: `npm run gen`.
import { mkdir, readdir, rm, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import { generatedFiles, SNAPSHOTS } from "./generated-files.ts";

const files = await generatedFiles();
await mkdir(SNAPSHOTS, { recursive: true });
for (const name of await readdir(SNAPSHOTS)) {
  if (!files.has(`${SNAPSHOTS}/${name}`)) await rm(`${SNAPSHOTS}/${name}`);
}
for (const [path, content] of files) {
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, content);
}
process.stdout.write(`${files.size} files are up to date\n`);
