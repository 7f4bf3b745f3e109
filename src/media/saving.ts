import { access, lstat, open } from "node:fs/promises";
import { parse } from "node:path";
import { pipeline } from "node:stream/promises";
import { AppError } from "../core/errors.ts";
import { oneLine } from "../core/text.ts";
import { convert, type PictureFormat } from "./conversion.ts";
import type { ResultKind } from "./file-names.ts";
import { isWhatItIsCalled } from "./harmless.ts";
import { whileHeld } from "./held-file.ts";
import { holdFolder } from "./held-folder.ts";
import { type MediaRef, type MediaStore, nameOf, readMedium } from "./media-store.ts";
import {
  checkFree,
  clearLeftDrafts,
  discard,
  moveExclusively,
  newDraftName,
  orStorage,
  placeWithoutOverwriting,
  roomFor,
  syncFile,
  syncFolder,
} from "./placing.ts";
import { findSavePlace, type SavePlace, type SavePlaces } from "./save-place.ts";
import {
  plainPlan,
  planOf,
  type SavedMedium,
  type SavePlan,
  type SaveWishes,
} from "./save-plan.ts";

/** A file that was saved. */
export interface SavedFile {
  /** Absolute. */
  path: string;
  sizeBytes: number;
  /** What it was converted to, if it was. */
  format: PictureFormat | undefined;
}

/** What was saved. */
export interface Saved {
  /** In the order of the originals. */
  files: SavedFile[];
  /** What was lost by a conversion, a sentence each. */
  notes: string[];
}

/** Copies of finished files where callers want them: the one place in which a path is the product. */
export class Saving {
  readonly #places: SavePlaces;
  /** The same for what a job was begun with: its place was judged, or opened, then. */
  readonly #copyPlaces: SavePlaces;
  readonly #store: Pick<MediaStore, "open" | "stat">;

  /** @param places the folders that `save_to` may name. */
  constructor(places: SavePlaces, store: Pick<MediaStore, "open" | "stat">) {
    this.#places = places;
    const { opened } = places;
    this.#copyPlaces = { ...places, opened: opened && { ...opened, toSave: opened.toCopy } };
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
   * Copies finished files as they are to where the caller asked for them; several get numbered
   * names. A name that is taken is left as it is: the next free numbered one is used.
   * @returns the absolute paths of the copies, in order.
   * @throws {invalid_input | storage | not_found}
   */
  async copyTo(saveTo: string, owner: string, originals: readonly MediaRef[]): Promise<string[]> {
    const place = await findSavePlace(saveTo, this.#copyPlaces);
    const plans = originals.map((ref) => plainPlan(ref, place));
    const { files } = await this.#write(saveTo, place, owner, plans);
    return files.map(({ path }) => path);
  }

  /**
   * Saves finished files as they are wanted: all of them, or none. The whole list is looked at
   * before anything is written.
   * @throws {invalid_input | storage | not_found}
   */
  async save(
    saveTo: string,
    owner: string,
    media: readonly SavedMedium[],
    wishes: SaveWishes,
  ): Promise<Saved> {
    const place = await findSavePlace(saveTo, this.#places);
    const plans = media.map((medium) => planOf(medium, place, wishes));
    return this.#write(saveTo, place, owner, plans);
  }

  /** Whether copies are still where they were made. */
  async areThere(copies: readonly string[]): Promise<boolean> {
    const isThere = (path: string) =>
      access(path).then(
        () => true,
        () => false,
      );
    return (await Promise.all(copies.map(isThere))).every((one) => one);
  }

  /** Files have their names only once all of them are whole. */
  async #write(
    saveTo: string,
    place: SavePlace,
    owner: string,
    plans: readonly SavePlan[],
  ): Promise<Saved> {
    return orStorage(saveTo, async () => {
      const folder = await holdFolder(place);
      const drafts: string[] = [];
      const names: string[] = [];
      try {
        const notes: string[] = [];
        for (const plan of plans) {
          const draft = folder.at(newDraftName());
          drafts.push(draft);
          notes.push(...(await this.#draft(owner, plan, draft)));
          if (place.isForResultsOnly) await checkContent(draft, plan);
        }
        for (const [position, { ref, extension }] of plans.entries()) {
          const number = plans.length > 1 ? `-${position + 1}` : "";
          const stem =
            place.stem === undefined ? parse(nameOf(ref)).name : `${place.stem}${number}`;
          const draft = drafts[position] ?? "";
          const move = (free: string) => moveExclusively(draft, folder.at(free));
          names.push(await placeWithoutOverwriting(stem, extension, move));
        }
        const [first] = names;
        if (first !== undefined) await clearLeftDrafts(folder.at("."), folder.at(first));
        await syncFolder(folder.at("."));
        await folder.confirm();
        const files = plans.map(async ({ conversion }, position): Promise<SavedFile> => {
          const name = names[position] ?? "";
          const { size } = await lstat(folder.at(name));
          return { path: folder.path(name), sizeBytes: size, format: conversion?.format };
        });
        return { files: await Promise.all(files), notes };
      } catch (error) {
        await discard([...drafts, ...names.map((name) => folder.at(name))]);
        throw error;
      } finally {
        await folder.close();
      }
    });
  }

  /** Writes and syncs a file that has no name yet. @returns what was lost, a sentence each. */
  async #draft(owner: string, { ref, conversion }: SavePlan, draft: string): Promise<string[]> {
    if (conversion === undefined) {
      const content = await this.#store.open(owner, ref);
      const file = await open(draft, "wx", 0o600);
      await pipeline(content, file.createWriteStream({ flush: true }));
      return [];
    }
    await (await open(draft, "wx", 0o600)).close();
    const { sizeBytes = 0 } = (await this.#store.stat(owner, ref)) ?? {};
    return whileHeld(sizeBytes, async () => {
      const bytes = await readMedium(this.#store, owner, ref);
      const notes = await convert(bytes, conversion, oneLine(nameOf(ref), 120), draft);
      await syncFile(draft);
      return notes;
    });
  }
}

/** @throws {invalid_input} for what is not what it would be called. */
async function checkContent(draft: string, { ref, extension }: SavePlan): Promise<void> {
  if (await isWhatItIsCalled(draft, extension)) return;
  throw new AppError(
    "invalid_input",
    `${oneLine(nameOf(ref), 120)} is not what .${extension} says, and only pictures, weights and answers are saved there.`,
    { next: "Save it in another of the allowed folders; nothing was saved." },
  );
}
