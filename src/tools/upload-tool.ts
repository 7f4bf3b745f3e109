import * as z from "zod";
import { byteCount, oneLine } from "../core/text.ts";
import { uris } from "../core/uris.ts";
import { KEPT_DAYS, plainFilename } from "../inputs/uploads.ts";
import { textBlock } from "./result.ts";
import type { ToolDeps } from "./services.ts";
import { defineTool, type Tool } from "./tool.ts";

/** What means nothing to any shell, between quotation marks. */
const PLAIN_NAME = /^[\p{L}\p{N}_][\p{L}\p{N}._ ()-]*$/u;

/** Gives a caller elsewhere an address to which one file can be sent. */
export function uploadTool(deps: ToolDeps): Tool {
  const { bytes, archiveBytes } = deps.settings.uploads;
  return defineTool(deps, {
    name: "upload_link",
    title: "Upload a file",
    description: "A one-time address to send the user's file to: picture, ZIP or text.",
    kind: "add",
    isForElsewhere: true,
    input: () =>
      z.object({ filename: z.string().min(1).max(1_000).optional().describe("Its name") }),
    async run({ filename }, { caller }) {
      const { uploads } = await deps.services.get();
      const name = filename === undefined ? undefined : plainFilename(filename);
      const { uploadId, url, endsAt } = await uploads.invite(caller.owner, name);
      const until = new Date(endsAt).toISOString().slice(0, 16).replace("T", " ");
      const shown = name !== undefined && PLAIN_NAME.test(name) ? name : "FILE";
      const lines = [
        `Send ${name === undefined ? "the file" : oneLine(name)} with one PUT until ${until} UTC to`,
        url,
        `   curl -sS --fail-with-body -g -T "${shown}" "${url}"`,
        `It takes a picture or text of at most ${byteCount(bytes)}, or a ZIP archive of at most ${byteCount(archiveBytes)}.`,
        "A person opens the same address in a browser and drops the file there.",
        `Then it is ${uris.upload(uploadId)} for pictures, training sets and \`files\`, for ${KEPT_DAYS} days.`,
      ];
      return [textBlock(lines.join("\n"))];
    },
  });
}
