import { createHash } from "node:crypto";
import { readFile, writeFile } from "node:fs/promises";
import { uris } from "../core/uris.ts";
import type { Job, Medium, MediumRole } from "../jobs/job.ts";
import { type FileNaming, type Library, syncFile } from "../media/disk-store.ts";
import { composeLayers } from "../media/layers.ts";
import { pictureFacts } from "../media/preview.ts";

const EXTENSIONS: Readonly<Record<MediumRole, string>> = {
  composite: "png",
  sheet: "png",
  manifest: "json",
};

/**
 * What is made here of a job's layers: their composite, a contact sheet to look at, and a manifest
 * that says where on each layer something is. They are files of the job like the layers.
 * @throws when a layer cannot be decoded, or nothing can be written.
 */
export async function makeLayerExtras(
  library: Library,
  job: Job,
  layers: readonly Medium[],
  naming: Omit<FileNaming, "extension">,
): Promise<Medium[]> {
  const partial = (role: MediumRole) => library.partialPath({ ...naming, index: role });
  const targets = {
    composite: await partial("composite"),
    sheet: await partial("sheet"),
    manifest: await partial("manifest"),
  };
  try {
    return await makeThrough(targets, library, job, layers, naming);
  } catch (error) {
    await library.discard(Object.values(targets));
    throw error;
  }
}

async function makeThrough(
  targets: Readonly<Record<MediumRole, string>>,
  library: Library,
  job: Job,
  layers: readonly Medium[],
  naming: Omit<FileNaming, "extension">,
): Promise<Medium[]> {
  const composed = await composeLayers(
    layers.map(({ path }) => path),
    targets,
  );
  const first = Math.max(...layers.map(({ index }) => index)) + 1;
  const roles = ["composite", "sheet", "manifest"] as const;
  const uri = (role: MediumRole) => uris.medium(job.jobId, first + roles.indexOf(role));
  const manifest = {
    width: composed.width,
    height: composed.height,
    composite: uri("composite"),
    contact_sheet: uri("sheet"),
    /** From the bottom to the top. */
    layers: composed.layers.map(({ boundingBox, ...facts }, position) => ({
      uri: uris.medium(job.jobId, layers[position]?.index ?? position + 1),
      path: layers[position]?.path,
      ...facts,
      bounding_box: boundingBox,
    })),
  };
  await writeFile(targets.manifest, `${JSON.stringify(manifest, undefined, 2)}\n`, { mode: 0o600 });
  const extras: Medium[] = [];
  for (const [position, role] of roles.entries()) {
    await syncFile(targets[role]);
    const bytes = await readFile(targets[role]);
    const facts = role === "manifest" ? undefined : await pictureFacts(targets[role]);
    const extension = EXTENSIONS[role];
    extras.push({
      index: first + position,
      role,
      url: "",
      path: await library.keep(targets[role], { ...naming, index: role, extension }),
      mimeType: role === "manifest" ? "application/json" : "image/png",
      ...facts,
      sizeBytes: bytes.length,
      sha256: createHash("sha256").update(bytes).digest("hex"),
      copies: [],
    });
  }
  return extras;
}
