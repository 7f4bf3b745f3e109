import type { Readable } from "node:stream";
import { AppError } from "../core/errors.ts";
import { HEAD_BYTES } from "../core/file-head.ts";
import { TextCheck, type UploadKind, uploadTypeOf } from "./upload-type.ts";

/** Why a file is not taken. */
export type Refusal =
  | { came: "too_large"; maxBytes: number }
  | { came: "wrong_type"; seems: string };

/**
 * Content that is judged by its first bytes, and as it goes on.
 * @param boundsOf the most bytes of a kind, and whether it is known to have more.
 * @returns its bytes, which break off where it is refused; then `refusal` says why.
 */
export function judgedContent(
  content: Readable,
  boundsOf: (kind: UploadKind) => { maxBytes: number; isTooLarge: boolean },
) {
  let type: Exclude<Awaited<ReturnType<typeof uploadTypeOf>>, { seems: string }> | undefined;
  let refusal: Refusal | undefined;
  const refuse = (why: Refusal) => {
    refusal = why;
    return new AppError("invalid_input", "The file is refused.");
  };
  async function* bytes(): AsyncGenerator<Buffer> {
    let head = Buffer.alloc(0);
    let sizeBytes = 0;
    let maxBytes = 0;
    const text = new TextCheck();
    const judge = async () => {
      const found = await uploadTypeOf(head);
      if ("seems" in found) throw refuse({ came: "wrong_type", seems: found.seems });
      type = found;
      const bounds = boundsOf(found.kind);
      maxBytes = bounds.maxBytes;
      if (bounds.isTooLarge) throw refuse({ came: "too_large", maxBytes });
    };
    const passed = (piece: Buffer) => {
      sizeBytes += piece.length;
      if (sizeBytes > maxBytes) throw refuse({ came: "too_large", maxBytes });
      if (type?.kind === "text" && !text.isText(piece)) {
        throw refuse({ came: "wrong_type", seems: "no text in UTF-8" });
      }
      return piece;
    };
    // Whoever is refused is to hear why: their connection stays.
    for await (const chunk of content.iterator({ destroyOnReturn: false })) {
      const piece = Buffer.from(chunk);
      if (type) {
        yield passed(piece);
        continue;
      }
      head = Buffer.concat([head, piece]);
      if (head.length < HEAD_BYTES) continue;
      await judge();
      yield passed(head);
    }
    if (!type && head.length > 0) {
      await judge();
      yield passed(head);
    }
    if (type?.kind === "text" && !text.isText()) {
      throw refuse({ came: "wrong_type", seems: "no text in UTF-8" });
    }
  }
  return { bytes: bytes(), type: () => type, refusal: () => refusal };
}
