import { Readable } from "node:stream";
import { AppError } from "../core/errors.ts";
import { allowedFolder, isFolder, openAllowedFile, type Places } from "../media/allowed-files.ts";
import { fileOrigin } from "../models/file-origin.ts";
import type { FileField } from "../models/operation.ts";
import type { Dataset, DatasetWishes } from "./dataset.ts";

/**
 * A caller's ZIP file or folder.
 * @throws {invalid_input}
 */
export async function openDataset(
  text: string,
  places: Places,
  wishes: DatasetWishes,
): Promise<Dataset> {
  const [{ inspectZip }, { readFolder }] = await Promise.all([
    import("./training-zip.ts"),
    import("./training-folder.ts"),
  ]);
  switch (fileOrigin(text)) {
    case "url":
    case "earlier":
      throw new AppError("invalid_input", "Only a local ZIP file or folder can be looked through.");
    case "data": {
      const bytes = Buffer.from(text.slice(text.indexOf(",") + 1), "base64");
      const report = await inspectZip(bytes, wishes);
      return { report, changes: [], zip: () => Readable.from([bytes]), close: async () => {} };
    }
    default: {
      if (await isFolder(text, places)) {
        return readFolder(await allowedFolder(text, places), places, wishes);
      }
      const { handle } = await openAllowedFile(text, places);
      return {
        report: await inspectZip(handle, wishes),
        changes: [],
        zip: () => handle.createReadStream({ start: 0, autoClose: false }),
        close: () => handle.close(),
      };
    }
  }
}

/** What arguments say about the training set that they name. */
export function wishesOf(
  field: FileField,
  input: Readonly<Record<string, unknown>>,
): DatasetWishes {
  const caption = field.training && input[field.training.defaultCaption];
  const references = field.training && input[field.training.referenceCount];
  return {
    defaultCaption: typeof caption === "string" ? caption : undefined,
    referenceCount: typeof references === "number" ? references : undefined,
  };
}
