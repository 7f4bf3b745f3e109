import { FairGate } from "../core/fair-gate.ts";
import { type PictureSource, readHeader, whileDecoding } from "./decoder.ts";
import { type MediaRef, type MediaStore, pictureSource } from "./media-store.ts";
import { fromRaw, smallPixels } from "./small-pixels.ts";

/** Wide enough for a tile of 240 px on a screen with two dots a pixel. */
const LONG_SIDE_PX = 480;
const QUALITY = 74;
/** Made at a time: a page asks for a hundred, and others wait for their pictures as well. */
const MAX_MAKING = 3;

export const THUMBNAIL_TYPE = "image/webp";

/**
 * A picture in the size of a tile, for people's eyes, with what is seen through it.
 * @returns `undefined` for what cannot be decoded.
 */
export async function makeThumbnail(picture: PictureSource): Promise<Buffer | undefined> {
  try {
    const header = await readHeader(picture);
    return await whileDecoding(header, async () => {
      const small = await fromRaw(await smallPixels(picture, header, LONG_SIDE_PX));
      return small.webp({ quality: QUALITY }).toBuffer();
    });
  } catch {
    return undefined;
  }
}

type Kept = Pick<MediaStore, "open" | "stat" | "localPath" | "thumbnail" | "keepThumbnail">;

/** Small pictures of finished ones: each made once, and kept beside its file for the next time. */
export class Thumbnails {
  readonly #media: Kept;
  readonly #turns = new FairGate(MAX_MAKING);
  /** What is being made, for whoever asks for it as well. */
  readonly #making = new Map<string, Promise<Buffer | undefined>>();

  constructor(media: Kept) {
    this.#media = media;
  }

  /** @returns `undefined` where there is no such file of the owner's, or it is no picture. */
  async of(owner: string, ref: MediaRef): Promise<Buffer | undefined> {
    const kept = await this.#media.thumbnail(owner, ref);
    if (kept || !(await this.#media.stat(owner, ref))) return kept;
    const name = `${owner} ${ref}`;
    const making = this.#making.get(name) ?? this.#turns.run(owner, () => this.#make(owner, ref));
    this.#making.set(name, making);
    return making.finally(() => this.#making.delete(name));
  }

  async #make(owner: string, ref: MediaRef): Promise<Buffer | undefined> {
    const made = await makeThumbnail(await pictureSource(this.#media, owner, ref));
    // Where it cannot be kept, on a full disk for one, it is shown all the same.
    if (made) await this.#media.keepThumbnail(owner, ref, made).catch(() => undefined);
    return made;
  }
}
