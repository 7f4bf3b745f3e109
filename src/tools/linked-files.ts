import { parse } from "node:path";
import type { ContentBlock } from "@modelcontextprotocol/server";
import type { Caller } from "../core/caller.ts";
import { toAppError } from "../core/errors.ts";
import { message, oneLine } from "../core/text.ts";
import { convertedBytes } from "../media/conversion.ts";
import { whileHeld } from "../media/held-file.ts";
import { nameOf, readMedium } from "../media/media-store.ts";
import { planOf, type SaveWishes } from "../media/save-plan.ts";
import type { Settings } from "../settings/settings.ts";
import type { ChosenFile } from "./chosen-files.ts";
import { textBlock } from "./result.ts";
import { requireThere } from "./saved-files.ts";
import type { Services } from "./services.ts";
import { linkNote, sentencesFor } from "./whereabouts.ts";

/** A link says how a file is wanted, and nothing of a place. */
const NO_PLACE = { extension: undefined, isForResultsOnly: false };

/**
 * Links to finished files for a caller elsewhere, each as it is wanted: all of them, or none.
 * @returns a text with them, and a link per file.
 * @throws {invalid_input | not_found | configuration}
 */
export async function linkFiles(
  services: Pick<Services, "media" | "links">,
  settings: Settings,
  caller: Caller,
  chosen: readonly ChosenFile[],
  wishes: SaveWishes,
): Promise<ContentBlock[]> {
  const { owner } = caller;
  await requireThere(services, owner, chosen);
  const maker = await services.links.maker(toAppError);
  if ("refusal" in maker) throw maker.refusal;
  const lines: string[] = [];
  const notes: string[] = [];
  const blocks: ContentBlock[] = [];
  for (const { job, medium } of chosen) {
    const plan = planOf({ ...medium, ref: medium.path }, NO_PLACE, wishes);
    const { conversion, extension } = plan;
    const name = `${parse(nameOf(medium.path)).name}.${extension}`;
    let { sizeBytes } = medium;
    if (conversion) {
      // It is made again when it is fetched; what cannot be made is told now.
      const made = await whileHeld(sizeBytes, async () => {
        const bytes = await readMedium(services.media, owner, medium.path);
        return convertedBytes(bytes, conversion, oneLine(name, 120));
      });
      sizeBytes = made.bytes.length;
      notes.push(...made.notes);
    }
    const { jobId } = job;
    const uri = maker.addressOf({ owner, jobId, index: medium.index, conversion });
    lines.push(`${lines.length + 1}. ${uri}`);
    blocks.push({
      type: "resource_link",
      uri,
      name: oneLine(name),
      mimeType: conversion ? `image/${conversion.format}` : medium.mimeType,
      size: sizeBytes,
    });
  }
  notes.push(linkNote(maker, sentencesFor(caller, settings)));
  const head = lines.length === 1 ? "1 link:" : `${lines.length} links:`;
  const text = [head, ...lines, ...notes.map((note) => `Note: ${message(note)}`)].join("\n");
  return [textBlock(text), ...blocks];
}
