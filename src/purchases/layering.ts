import { AppError } from "../core/errors.ts";
import { uris } from "../core/uris.ts";
import type { Medium, MediumRole, WholeJob } from "../jobs/job.ts";
import { composeLayers } from "../media/layer-composition.ts";
import { nameOf, pictureSource } from "../media/media-store.ts";
import type { AnyOperation } from "../models/operation.ts";
import { drawSheet, keepSheet } from "./contact-sheets.ts";
import { namingOf, patiently } from "./fetcher.ts";
import type { PurchaseContext } from "./purchase-context.ts";

/** What is made of a job's own files; without it the job is as good. */
export async function layerExtras(
  context: PurchaseContext,
  job: WholeJob,
  operation: AnyOperation | undefined,
  fetched: readonly Medium[],
  warnings: string[],
): Promise<Medium[]> {
  if (operation?.media !== "layers" || fetched.length === 0) return [];
  try {
    return await makeLayerExtras(context, job, fetched);
  } catch (error) {
    context.log.warn({ job: job.jobId, err: error }, "layers were not composed");
    const reason = error instanceof AppError ? error.message : "one of them cannot be decoded.";
    warnings.push(`The layers could not be laid over each other: ${reason}`);
    return [];
  }
}

/**
 * What is made here of a job's layers: their composite, a contact sheet to look at, and a manifest
 * that says where on each layer something is. They are files of the job like the layers.
 * @throws when a layer cannot be decoded, or nothing can be written.
 */
async function makeLayerExtras(
  context: PurchaseContext,
  job: WholeJob,
  layers: readonly Medium[],
): Promise<Medium[]> {
  const { media: store } = context;
  const named = (role: MediumRole, extension: string) => ({ ...namingOf(job, role), extension });
  const draft = store.newDraft(named("composite", "png"));
  const how = patiently(context, job);
  const first = Math.max(...layers.map(({ index }) => index)) + 1;
  const kept: Medium[] = [];
  try {
    await store.prepareDraft(draft);
    const pictures = await Promise.all(
      layers.map(({ path }) => pictureSource(store, job.owner, path)),
    );
    const { composite: made, ...composed } = await composeLayers(pictures, draft);
    const composite: Medium = {
      index: first,
      role: "composite",
      url: "",
      path: await store.keep(draft, named("composite", "png"), { ...how, sha256: made.sha256 }),
      mimeType: "image/png",
      ...made,
      copies: [],
    };
    kept.push(composite);
    const { png } = await drawSheet(context, job.owner, [...layers, composite]);
    const sheet: Medium = { index: first + 1, ...(await keepSheet(store, job, png, how)) };
    kept.push(sheet);
    const manifest = {
      width: composed.width,
      height: composed.height,
      composite: uris.medium(job.jobId, composite.index),
      contact_sheet: uris.medium(job.jobId, sheet.index),
      /** From the bottom to the top. */
      layers: composed.layers.map(({ boundingBox, ...facts }, position) => ({
        uri: uris.medium(job.jobId, layers[position]?.index ?? position + 1),
        // It lies beside them.
        path: nameOf(layers[position]?.path ?? ""),
        ...facts,
        bounding_box: boundingBox,
      })),
    };
    const text = Buffer.from(`${JSON.stringify(manifest, undefined, 2)}\n`);
    const { ref, ...facts } = await store.put(text, named("manifest", "json"), how);
    const mimeType = "application/json";
    const index = first + 2;
    return [
      ...kept,
      { index, role: "manifest", url: "", path: ref, mimeType, ...facts, copies: [] },
    ];
  } catch (error) {
    await store.discardDrafts([draft]);
    // Nothing refers to them.
    await Promise.allSettled(kept.map(({ path }) => store.letGo(job.owner, path)));
    throw error;
  }
}
