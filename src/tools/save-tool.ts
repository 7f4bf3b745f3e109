import * as z from "zod";
import { URI_TEMPLATES } from "../core/uris.ts";
import { FORMATS } from "../media/conversion.ts";
import { knownAs } from "../models/facts.ts";
import { chooseFiles } from "./chosen-files.ts";
import { linkFiles } from "./linked-files.ts";
import { saveFiles } from "./saved-files.ts";
import type { ToolDeps } from "./services.ts";
import { defineTool, type Tool } from "./tool.ts";

const MAX_FILES = 100;
const MAX_INDEX = 9_999;
/** No format has longer ones. */
const MAX_SIDE_PX = 65_500;

/** Takes finished files to where their user wants them. */
export function saveTool(deps: ToolDeps): Tool {
  return defineTool(deps, {
    name: "media_save",
    title: "Save finished files",
    description:
      "Save, store, copy, download or export finished image files to a folder such as ~/Desktop; resize; convert to JPEG, PNG, WebP.",
    searchHint:
      "save or download the image, save as jpg, put in my downloads, move, make a smaller version of the file, shrink the picture, where are the files",
    descriptionElsewhere:
      "Download links to finished image files, converted to JPEG, PNG or WebP if wanted.",
    kind: "add",
    isViewed: true,
    input: () =>
      z.object({
        media: z
          .array(knownAs(z.string().min(1), { reference: "pattern" }))
          .max(MAX_FILES)
          .optional()
          .describe(URI_TEMPLATES.medium),
        job_id: knownAs(z.string(), { reference: "id" })
          .optional()
          .describe("All files of this job"),
        index: z.int().min(1).max(MAX_INDEX).optional().describe("One of job_id"),
        format: z.enum(FORMATS).optional(),
        max_side: z.int().min(1).max(MAX_SIDE_PX).optional().describe("Pixels"),
        quality: z.int().min(1).max(100).optional(),
      }),
    local: () =>
      z.object({
        save_to: knownAs(z.string().min(1), { reference: "place" }).describe("Folder or file"),
      }),
    async run({ media, job_id, index, format, max_side, quality }, { caller }, _values, place) {
      const services = await deps.services.get();
      const chosen = await chooseFiles(services, caller.owner, { media, jobId: job_id, index });
      const wishes = { format, maxSide: max_side, quality };
      if (!place) return linkFiles(services, deps.settings, caller, chosen, wishes);
      return saveFiles(services, caller.owner, chosen, place.save_to, wishes);
    },
  });
}
