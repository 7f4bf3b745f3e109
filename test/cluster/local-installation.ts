import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { gunzipSync } from "node:zlib";
import type { Bench } from "../e2e/harness.ts";
import { picture } from "../support/pictures.ts";

const CHANGE = `
  const { DatabaseSync } = require("@photostructure/sqlite");
  const db = new DatabaseSync(process.argv[1]);
  db.exec(process.argv[2]);
  db.close();`;

/** What a data folder of an earlier version has, moved to a test's own provider and folders. */
export async function localInstallation(
  bench: Pick<Bench, "dataDir" | "outputDir" | "sandbox">,
  version: number,
): Promise<{ picture: string; bytes: Buffer }> {
  const { dataDir, outputDir, sandbox } = bench;
  const path = join(outputDir, "2026-11-20", "boat.png");
  const bytes = await picture();
  for (const folder of [dataDir, join(outputDir, "2026-11-20")]) {
    await mkdir(folder, { recursive: true });
  }
  await writeFile(path, bytes);
  const stored = join(import.meta.dirname, `../fixtures/jobs-v${version}.db.gz`);
  await writeFile(join(dataDir, "jobs.db"), gunzipSync(await readFile(stored)));
  await change(
    dataDir,
    `UPDATE jobs SET base_url = '${sandbox.origin}' WHERE base_url = 'https://gateway.example';
     UPDATE jobs SET media_urls = '["${sandbox.origin}/media/1.png"]' WHERE state = 'downloading';
     UPDATE jobs SET media = replace(media, '/pictures/boat.png', '${path}')`,
  );
  return { picture: path, bytes };
}

/** In a process of its own: what this one has had open, it keeps a lock on. */
export async function change(dataDir: string, sql: string): Promise<void> {
  await promisify(execFile)(process.execPath, ["-e", CHANGE, join(dataDir, "jobs.db"), sql]);
}

export async function digestOf(path: string): Promise<string> {
  return createHash("sha256")
    .update(await readFile(path))
    .digest("hex");
}
