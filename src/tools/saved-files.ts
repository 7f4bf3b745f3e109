import { basename } from "node:path";
import type { ContentBlock } from "@modelcontextprotocol/server";
import { AppError } from "../core/errors.ts";
import { message, oneLine } from "../core/text.ts";
import { uris } from "../core/uris.ts";
import { missingMedia } from "../media/missing.ts";
import type { SaveWishes } from "../media/save-plan.ts";
import type { ChosenFile } from "./chosen-files.ts";
import { textBlock } from "./result.ts";
import type { Services } from "./services.ts";

/**
 * Saves finished files, all of them or none.
 * @returns where they are now: a text, and a link per file.
 * @throws {invalid_input | not_found | storage}
 */
export async function saveFiles(
  services: Pick<Services, "media" | "saving">,
  owner: string,
  chosen: readonly ChosenFile[],
  saveTo: string,
  wishes: SaveWishes,
): Promise<ContentBlock[]> {
  await requireThere(services, owner, chosen);
  const media = chosen.map(({ medium: { path: ref, ...facts } }) => ({ ref, ...facts }));
  const { files, notes } = await services.saving.save(saveTo, owner, media, wishes);
  const count = files.length === 1 ? "1 file" : `${files.length} files`;
  const lines = [
    `Saved ${count}:`,
    ...files.map(({ path }, position) => `${position + 1}. ${oneLine(path)}`),
    ...notes.map((note) => `Note: ${message(note)}`),
  ];
  const links = chosen.flatMap(({ job, medium }, position): ContentBlock[] => {
    const file = files[position];
    if (!file) return [];
    return [
      {
        type: "resource_link",
        uri: uris.medium(job.jobId, medium.index),
        name: oneLine(basename(file.path)),
        mimeType: file.format === undefined ? medium.mimeType : `image/${file.format}`,
        size: file.sizeBytes,
      },
    ];
  });
  return [textBlock(lines.join("\n")), ...links];
}

/** @throws {not_found} for files that somebody moved or deleted. */
export async function requireThere(
  { media: store }: Pick<Services, "media">,
  owner: string,
  chosen: readonly ChosenFile[],
): Promise<void> {
  const media = chosen.map(({ medium }) => medium);
  const [gone] = await missingMedia(store, { owner, media });
  if (!gone) return;
  const job = chosen.find(({ medium }) => medium === gone)?.job;
  throw new AppError("not_found", `${oneLine(gone.path)} is missing: it was moved or deleted.`, {
    next: `\`job_status\` with job_id "${job?.jobId ?? ""}" and \`redownload: true\` brings it back; nothing was saved.`,
  });
}
