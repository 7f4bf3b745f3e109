import { writeFile } from "node:fs/promises";
import { Readable } from "node:stream";
import { beforeEach, describe, expect, it } from "vitest";
import * as z from "zod";
import {
  type MediaNaming,
  type MediaStore,
  nameOf,
  readMedium,
} from "../../src/media/media-store.ts";
import { OWNER } from "../support/rig.ts";
import { processesFor } from "./processes.ts";
import { codesOf, type Race, valuesOf } from "./racer.ts";

/** One place for files, to which any number of processes may open a store. */
export interface OpenedMedia {
  /** A store as a process of its own has it. */
  open(): MediaStore;
  /** How another process opens it. */
  place: string;
}

/** What becomes of a second file of the same job under the same number. */
export type SameName = "numbered" | "replaced";

const LINK = {
  seconds: 60,
  mimeType: "image/png",
  disposition: "attachment",
  method: "GET",
} as const;

/** In place of a test of what such a store need not do. */
const absent = (..._test: unknown[]) => {};

const NAMING: MediaNaming = {
  owner: OWNER,
  operation: "z_image_turbo_generate",
  words: "A red fox",
  jobId: "job_abcdefghijklmnopqrstuvwxyz",
  index: 1,
  extension: "png",
  createdAt: Date.parse("2026-11-20T12:00:00Z"),
};

/**
 * What any media store must do.
 * @param prepare makes an empty place.
 * @param opener path of a module whose `open` opens such a place in another process.
 * @param same what becomes of what is kept again: a file beside the first, or in its place.
 */
export function describeMediaStore(
  name: string,
  prepare: () => Promise<OpenedMedia>,
  opener: string,
  same: SameName = "numbered",
): void {
  const isNumbered = same === "numbered";
  describe(`${name}, as a media store,`, () => {
    let place: OpenedMedia;
    let store: MediaStore;
    const race = processesFor({ opener });

    beforeEach(async () => {
      place = await prepare();
      store = place.open();
    });

    const put = (text: string, change: Partial<MediaNaming> = {}) =>
      store.put(Buffer.from(text), { ...NAMING, ...change });
    const textOf = async (ref: string, owner = OWNER) =>
      (await readMedium(store, owner, ref)).toString();
    async function listed(owner = OWNER): Promise<string[]> {
      const refs: string[] = [];
      for await (const ref of store.list(owner)) refs.push(ref);
      return refs.sort();
    }

    it("keeps bytes and streams, and tells what they are", async () => {
      const digest = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
      const streamed = await store.put(
        Readable.from([Buffer.from("ab"), Buffer.from("c")]),
        NAMING,
      );
      for (const kept of [await put("abc"), streamed]) {
        expect(kept).toMatchObject({ sizeBytes: 3, sha256: digest });
        expect(await textOf(kept.ref)).toBe("abc");
        expect(await store.stat(OWNER, kept.ref)).toMatchObject({
          sizeBytes: 3,
          name: nameOf(kept.ref),
        });
      }
    });

    it("keeps a draft, once", async () => {
      const draft = store.newDraft(NAMING);
      await store.prepareDraft(draft);
      await writeFile(draft, "drafted");
      const ref = await store.keep(draft, NAMING);
      expect(await textOf(ref)).toBe("drafted");
      await expect(store.keep(draft, NAMING)).rejects.toMatchObject({ code: "storage" });
      expect(await listed()).toEqual([ref]);
    });

    it.each([
      [{ start: 0 }, "0123456789"],
      [{ start: 3 }, "3456789"],
      [{ start: 2, end: 4 }, "234"],
      [{ start: 9, end: 100 }, "9"],
      [{ start: 10 }, ""],
    ])("gives the bytes of %j", async (range, expected) => {
      const { ref } = await put("0123456789");
      const chunks: Buffer[] = [];
      for await (const chunk of await store.open(OWNER, ref, range)) chunks.push(chunk);
      expect(Buffer.concat(chunks).toString()).toBe(expected);
    });

    it("knows nothing of a file that is deleted, and deletes it twice", async () => {
      const [gone, kept] = [await put("gone"), await put("kept", { index: 2 })];
      for (let i = 0; i < 2; i++) await store.delete(OWNER, gone.ref);
      expect(await store.stat(OWNER, gone.ref)).toBeUndefined();
      await expect(store.open(OWNER, gone.ref)).rejects.toMatchObject({ code: "not_found" });
      expect(await listed()).toEqual([kept.ref]);
    });

    it("keeps what a file looks like small, until the file goes or somebody keeps another", async () => {
      const { ref } = await put("a picture");
      const small = Buffer.from("small");
      expect(await store.thumbnail(OWNER, ref)).toBeUndefined();
      await store.keepThumbnail(OWNER, ref, small);
      expect(await place.open().thumbnail(OWNER, ref)).toEqual(small);
      expect(await store.thumbnail("eve", ref)).toBeUndefined();
      await expect(store.keepThumbnail("eve", ref, small)).rejects.toMatchObject({
        code: "not_found",
      });
      expect(await listed()).toEqual([ref]);
      await store.keepThumbnail(OWNER, ref, Buffer.from("smaller"));
      expect((await store.thumbnail(OWNER, ref))?.toString()).toBe("smaller");
      await store.delete(OWNER, ref);
      expect(await store.thumbnail(OWNER, ref)).toBeUndefined();
      await expect(store.keepThumbnail(OWNER, ref, small)).rejects.toMatchObject({
        code: "not_found",
      });
    });

    (isNumbered ? it : absent)(
      "overwrites nothing, whoever puts the same name at once",
      async () => {
        const texts = Array.from({ length: 12 }, (_, i) => `file ${i}`);
        const stores = [store, place.open(), place.open()];
        const kept = await Promise.all(
          texts.map((text, i) => (stores[i % 3] ?? store).put(Buffer.from(text), NAMING)),
        );
        expect(new Set(kept.map(({ ref }) => ref)).size).toBe(texts.length);
        expect(await Promise.all(kept.map(({ ref }) => textOf(ref)))).toEqual(texts);
        expect(await listed()).toEqual(kept.map(({ ref }) => ref).sort());
      },
    );

    (isNumbered ? absent : it)(
      "has one file of a job's number, whole, whoever puts it at once",
      async () => {
        const texts = Array.from({ length: 12 }, (_, i) => `file ${i}`);
        const stores = [store, place.open(), place.open()];
        const kept = await Promise.all(
          texts.map((text, i) => (stores[i % 3] ?? store).put(Buffer.from(text), NAMING)),
        );
        const [ref = ""] = new Set(kept.map((one) => one.ref));
        expect(await listed()).toEqual([ref]);
        expect(texts).toContain(await textOf(ref));
        await store.letGo(OWNER, ref);
        expect(await listed()).toEqual([ref]);
      },
    );

    (isNumbered ? it : absent)("lets go what no job names", async () => {
      const [gone, kept] = [await put("one"), await put("two")];
      await store.letGo(OWNER, gone.ref);
      expect(await listed()).toEqual([kept.ref]);
    });

    it("keeps files of other jobs, numbers and days apart", async () => {
      const changes: Partial<MediaNaming>[] = [
        {},
        { index: 2 },
        { index: "sheet" },
        { jobId: "job_zzzzzzghijklmnopqrstuvwxyz" },
        { createdAt: NAMING.createdAt + 86_400_000 },
        { extension: "jpg" },
        { owner: "ada" },
      ];
      const kept = await Promise.all(
        changes.map((change, i) => put(`file ${i}`, { extension: "png", ...change })),
      );
      expect(new Set(kept.map(({ ref }) => ref)).size).toBe(changes.length);
      for (const [i, { ref }] of kept.entries()) {
        expect(await textOf(ref, changes[i]?.owner)).toBe(`file ${i}`);
      }
    });

    (isNumbered ? it : absent)(
      "overwrites nothing of another process that puts the same name at once",
      async () => {
        const puts = (process: string) =>
          Array.from({ length: 16 }, (_, n) => [Buffer.from(`${process} ${n}`), NAMING]);
        const [ones, twos] = [puts("one"), puts("two")];
        const media = (calls: Race["calls"]): Race => ({ store: "media", method: "put", calls });
        const outcomes = await race(place.place, media(ones), media(twos));
        expect(codesOf(outcomes.flat())).toEqual([]);
        const kept = z.array(z.object({ ref: z.string() })).parse(valuesOf(outcomes.flat()));
        expect(new Set(kept.map(({ ref }) => ref)).size).toBe(32);
        expect(await Promise.all(kept.map(({ ref }) => textOf(ref)))).toEqual(
          [...ones, ...twos].map(([content]) => String(content)),
        );
        expect(await listed()).toEqual(kept.map(({ ref }) => ref).sort());
      },
    );

    it("is ready for an owner before the first file, and lists none then", async () => {
      for (const owner of [OWNER, "ada"]) {
        await store.makeRoom(owner);
        await store.checkRoom(owner, "images", 4);
        expect(await listed(owner)).toEqual([]);
      }
    });

    it("lets drafts go that are not kept, also those that were never written", async () => {
      const [written, other, never] = [
        store.newDraft(NAMING),
        store.newDraft(NAMING),
        store.newDraft(NAMING),
      ];
      expect(new Set([written, other, never]).size).toBe(3);
      for (const draft of [written, other]) {
        await store.prepareDraft(draft);
        await writeFile(draft, "half");
      }
      await store.discardDrafts([written, never]);
      await expect(store.keep(written, NAMING)).rejects.toMatchObject({ code: "storage" });
      expect(await textOf(await store.keep(other, NAMING))).toBe("half");
    });

    it("keeps nothing of content that breaks off, and says why", async () => {
      const broken = Readable.from(
        (function* () {
          yield Buffer.from("the beginning");
          throw new RangeError("the rest is lost");
        })(),
      );
      await expect(store.put(broken, NAMING)).rejects.toThrow("the rest is lost");
      expect(await listed()).toEqual([]);
    });

    it("lists no draft, and clears away those of other processes only", async () => {
      const [own, others] = [store.newDraft(NAMING), place.open().newDraft(NAMING)];
      for (const draft of [own, others]) {
        await store.prepareDraft(draft);
        await writeFile(draft, "half");
      }
      expect(await listed()).toEqual([]);
      await store.clearDrafts(NAMING);
      await expect(store.keep(others, NAMING)).rejects.toMatchObject({ code: "storage" });
      expect(await textOf(await store.keep(own, NAMING))).toBe("half");
    });

    it.each(["../../../etc/passwd", "/etc/passwd", "C:\\a\\b", "a\0b", "..", ".hidden", "\u202e"])(
      "makes a harmless name of %j",
      async (words) => {
        const { ref } = await put("x", { words });
        expect(nameOf(ref)).toMatch(/^z-image-turbo-generate-[\p{L}\p{N}-]+-1\.png$/u);
        expect(await listed()).toEqual([ref]);
      },
    );

    it("shows an owner nothing of another's", async () => {
      const refs = {
        [OWNER]: (await put("mine")).ref,
        ada: (await put("hers", { owner: "ada" })).ref,
        ben: (await put("his", { owner: "ben" })).ref,
      };
      for (const owner of Object.keys(refs)) {
        for (const [other, ref] of Object.entries(refs)) {
          if (other === owner) continue;
          expect(await store.stat(owner, ref), `${owner} ${ref}`).toBeUndefined();
          await expect(store.open(owner, ref)).rejects.toMatchObject({ code: "not_found" });
          expect(await store.url(owner, ref, LINK)).toBeUndefined();
          expect(store.localPath?.(owner, ref)).toBeUndefined();
          await store.delete(owner, ref);
        }
      }
      for (const [owner, ref] of Object.entries(refs)) expect(await listed(owner)).toEqual([ref]);
    });

    it("removes all of an owner's, drafts included, and nothing of anybody else's", async () => {
      await put("one", { owner: "ada" });
      await put("two", { owner: "ada", index: 2, createdAt: NAMING.createdAt + 86_400_000 });
      const draft = store.newDraft({ ...NAMING, owner: "ada" });
      await store.prepareDraft(draft);
      await writeFile(draft, "half");
      const others = [(await put("mine")).ref, (await put("his", { owner: "adam" })).ref];
      await store.deleteAll("ada");
      await store.deleteAll("ada");
      expect(await listed("ada")).toEqual([]);
      await expect(store.keep(draft, { ...NAMING, owner: "ada" })).rejects.toThrow();
      expect([...(await listed()), ...(await listed("adam"))]).toEqual(others);
      await expect(store.deleteAll("..")).rejects.toMatchObject({ code: "configuration" });
      await expect(store.deleteAll(OWNER)).rejects.toThrow();
      expect(await listed()).toEqual([others[0]]);
    });

    it.each(["..", "a/b", "a\\b", "", "Ada", "con", "x".repeat(65), "a b", ".a", "a\0"])(
      "refuses an owner called %j before anything is bought",
      async (owner) => {
        await expect(store.checkRoom(owner, "images", 1)).rejects.toMatchObject({
          code: "configuration",
        });
        await expect(put("x", { owner })).rejects.toMatchObject({ code: "configuration" });
      },
    );
  });
}
