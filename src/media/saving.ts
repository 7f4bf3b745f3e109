import { open } from "node:fs/promises";
import { extname, parse } from "node:path";
import { pipeline } from "node:stream/promises";
import { randomToken } from "../core/ids.ts";
import type { ResultKind } from "./file-names.ts";
import { type MediaRef, type MediaStore, nameOf } from "./media-store.ts";
import {
  checkFree,
  discard,
  moveExclusively,
  orStorage,
  placeWithoutOverwriting,
  roomFor,
} from "./placing.ts";
import { findSavePlace, type HeldFolder, holdFolder, type SavePlaces } from "./save-place.ts";

/** Copies of finished files where callers want them: the one place in which a path is the product. */
export class Saving {
  readonly #places: SavePlaces;
  readonly #store: Pick<MediaStore, "open">;

  /** @param places the folders that `save_to` may name. */
  constructor(places: SavePlaces, store: Pick<MediaStore, "open">) {
    this.#places = places;
    this.#store = store;
  }

  /**
   * Makes sure that copies can be made there, before anything is bought.
   * @throws {invalid_input} when `saveTo` is outside the allowed folders or cannot be written
   * @throws {storage} when its disk is too full
   */
  async check(saveTo: string, kind: ResultKind, count: number): Promise<void> {
    const { existing } = await findSavePlace(saveTo, this.#places, kind);
    await checkFree(existing, roomFor(kind, count), "leave `save_to` out");
  }

  /**
   * Copies finished files to where the caller asked for them; several get numbered names. A name
   * that is taken is left as it is: the next free numbered one is used.
   * @returns the absolute paths of the copies, in order.
   * @throws {invalid_input | storage | not_found}
   */
  async copyTo(saveTo: string, owner: string, originals: readonly MediaRef[]): Promise<string[]> {
    const place = await findSavePlace(saveTo, this.#places);
    return orStorage(saveTo, async () => {
      const folder = await holdFolder(place);
      try {
        const copies: string[] = [];
        for (const [position, original] of originals.entries()) {
          const number = originals.length > 1 ? `-${position + 1}` : "";
          const { name } = parse(nameOf(original));
          const stem = place.stem === undefined ? name : `${place.stem}${number}`;
          copies.push(await this.#copy(owner, original, folder, stem));
        }
        return copies;
      } finally {
        await folder.close();
      }
    });
  }

  /** Has its name only once it is whole. */
  async #copy(
    owner: string,
    original: MediaRef,
    folder: HeldFolder,
    stem: string,
  ): Promise<string> {
    const draft = folder.at(`.${randomToken()}.partial`);
    const extension = extname(nameOf(original)).slice(1);
    let name: string | undefined;
    try {
      const content = await this.#store.open(owner, original);
      const file = await open(draft, "wx", 0o600);
      await pipeline(content, file.createWriteStream({ flush: true }));
      name = await placeWithoutOverwriting(stem, extension, (free) =>
        moveExclusively(draft, folder.at(free)),
      );
      await folder.confirm();
      return folder.path(name);
    } catch (error) {
      await discard([draft, ...(name === undefined ? [] : [folder.at(name)])]);
      throw error;
    }
  }
}
