import { AppError } from "../core/errors.ts";
import { uris } from "../core/uris.ts";
import type { Job, Medium, MediumRole, WholeJob } from "../jobs/job.ts";
import { composeLayers } from "../media/layer-composition.ts";
import { type MediaNaming, type MediaStore, pictureSource } from "../media/media-store.ts";
import type { AnyOperation } from "../models/operation.ts";
import { namingOf } from "./fetcher.ts";
import type { PurchaseContext } from "./purchase-context.ts";

/** What is made of a job's own files; without it the job is as good. */
export async function layerExtras(
  { media, log }: PurchaseContext,
  job: WholeJob,
  operation: AnyOperation | undefined,
  fetched: readonly Medium[],
  warnings: string[],
): Promise<Medium[]> {
  if (operation?.media !== "layers" || fetched.length === 0) return [];
  try {
    return await makeLayerExtras(media, job, fetched, namingOf(job, 0));
  } catch (error) {
    log.warn({ job: job.jobId, err: error }, "layers were not composed");
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
  store: MediaStore,
  job: Job,
  layers: readonly Medium[],
  naming: Omit<MediaNaming, "extension">,
): Promise<Medium[]> {
  const named = (role: MediumRole, extension: string) => ({ ...naming, index: role, extension });
  const drafts = {
    composite: store.newDraft(named("composite", "png")),
    sheet: store.newDraft(named("sheet", "png")),
  };
  const first = Math.max(...layers.map(({ index }) => index)) + 1;
  const uri = (position: number) => uris.medium(job.jobId, first + position);
  try {
    await store.prepareDraft(drafts.composite);
    const pictures = await Promise.all(
      layers.map(({ path }) => pictureSource(store, job.owner, path)),
    );
    const composed = await composeLayers(pictures, drafts);
    const made: Medium[] = [];
    for (const role of ["composite", "sheet"] as const) {
      const path = await store.keep(drafts[role], named(role, "png"));
      const index = first + made.length;
      made.push({
        index,
        role,
        url: "",
        path,
        mimeType: "image/png",
        ...composed[role],
        copies: [],
      });
    }
    const manifest = {
      width: composed.width,
      height: composed.height,
      composite: uri(0),
      contact_sheet: uri(1),
      /** From the bottom to the top. */
      layers: composed.layers.map(({ boundingBox, ...facts }, position) => ({
        uri: uris.medium(job.jobId, layers[position]?.index ?? position + 1),
        path: layers[position]?.path,
        ...facts,
        bounding_box: boundingBox,
      })),
    };
    const text = Buffer.from(`${JSON.stringify(manifest, undefined, 2)}\n`);
    const { ref, ...kept } = await store.put(text, named("manifest", "json"));
    const mimeType = "application/json";
    const index = first + made.length;
    return [
      ...made,
      { index, role: "manifest", url: "", path: ref, mimeType, ...kept, copies: [] },
    ];
  } catch (error) {
    await store.discardDrafts(Object.values(drafts));
    throw error;
  }
}
