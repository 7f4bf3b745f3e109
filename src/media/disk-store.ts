import { createHash } from "node:crypto";
import { open, readdir, rm, stat, unlink } from "node:fs/promises";
import { dirname, isAbsolute, join, relative, resolve, sep } from "node:path";
import { Readable } from "node:stream";
import { AppError } from "../core/errors.ts";
import { InTurns } from "../core/in-turn.ts";
import { oneLine } from "../core/text.ts";
import { openAllowedFile, type Places } from "./allowed-files.ts";
import { Drafts, prepareDrafts } from "./drafts.ts";
import type { ResultKind } from "./file-names.ts";
import { readKeptThumbnail, removeKeptThumbnail, writeKeptThumbnail } from "./kept-thumbnails.ts";
import type {
  ByteRange,
  DraftNaming,
  KeptMedium,
  LinkWishes,
  MediaNaming,
  MediaRef,
  MediaStore,
  MediumFacts,
} from "./media-store.ts";
import { nameOf, stemOf } from "./media-store.ts";
import { makeOutputFolder, requireWritable } from "./output-folder.ts";
import { ownerFolder, USERS_FOLDER } from "./owner-folder.ts";
import {
  discard,
  freeAt,
  isCode,
  moveExclusively,
  orStorage,
  placeWithoutOverwriting,
  requireFree,
  roomFor,
  syncFile,
  syncFolder,
} from "./placing.ts";

const DAY_FOLDER = /^\d{4}-\d{2}-\d{2}$/;

/** The places are those in which a kept file that has become a link may lead. */
export interface DiskStoreOptions extends Places {
  /** Where originals are kept. Absolute. */
  outputDir: string;
  /** Whether files are named by the words that describe them. */
  keepPrompts?: boolean;
  /** Whose files lie directly there; those of others lie in `users/<owner>`. */
  homeOwner: string;
}

/** Finished files in a folder of this machine, one folder a day. */
export class DiskStore implements MediaStore {
  readonly #options: DiskStoreOptions;
  readonly #drafts = new Drafts();
  /** What is done to a folder for one of many files that come together is done for all of them. */
  readonly #looks = new InTurns(async (root) => {
    const existing = await requireWritable(root);
    return { existing, free: await freeAt(existing) };
  });
  readonly #rooms = new InTurns(makeOutputFolder);
  readonly #draftFolders = new InTurns(prepareDrafts);
  readonly #syncs = new InTurns(syncFolder);

  constructor(options: DiskStoreOptions) {
    this.#options = options;
  }

  async checkRoom(owner: string, kind: ResultKind, count: number): Promise<void> {
    const { existing, free } = await this.#looks.run(this.#root(owner));
    requireFree(existing, free, roomFor(kind, count), "set LONGCAT_MCP_OUTPUT_DIR");
  }

  async makeRoom(owner: string): Promise<void> {
    await this.#rooms.run(this.#root(owner));
  }

  async put(content: Readable | Uint8Array, naming: MediaNaming): Promise<KeptMedium> {
    const draft = this.newDraft(naming);
    try {
      await this.prepareDraft(draft);
      const written = await writeDraft(draft, content);
      return { ref: await this.keep(draft, naming), ...written };
    } catch (error) {
      if (content instanceof Readable) content.destroy();
      await this.discardDrafts([draft]);
      throw error;
    }
  }

  /** In the folder in which the file will end. */
  newDraft(naming: DraftNaming): string {
    return this.#drafts.name(this.#folder(naming.owner, naming.createdAt), naming);
  }

  async prepareDraft(draft: string): Promise<void> {
    await this.#draftFolders.run(dirname(draft));
  }

  async keep(draft: string, naming: MediaNaming): Promise<MediaRef> {
    const name = stemOf(naming, this.#options.keepPrompts);
    const folder = this.#folder(naming.owner, naming.createdAt);
    return orStorage(folder, async () => {
      await syncFile(draft);
      const path = join(
        folder,
        await placeWithoutOverwriting(name, naming.extension, (free) =>
          moveExclusively(draft, join(folder, free)),
        ),
      );
      try {
        await this.#syncs.run(folder);
      } catch (error) {
        // Nobody will know of it: whoever tries again begins anew.
        await discard([path]);
        throw error;
      }
      return path;
    });
  }

  async discardDrafts(drafts: readonly string[]): Promise<void> {
    await discard(drafts);
  }

  async clearDrafts({ owner, jobId, createdAt }: Omit<DraftNaming, "index">): Promise<void> {
    await this.#drafts.clear(this.#folder(owner, createdAt), jobId);
  }

  async letGo(owner: string, ref: MediaRef): Promise<void> {
    await this.delete(owner, ref);
  }

  async open(owner: string, ref: MediaRef, range?: ByteRange): Promise<Readable> {
    if (!this.#isOf(owner, ref)) throw missing(ref);
    // The output folder may have been another one when the file was kept.
    const allowedDirs = [...this.#options.allowedDirs, dirname(ref)];
    const { workingDir, homeDir } = this.#options;
    const places = { workingDir, homeDir, allowedDirs };
    const { handle } = await openAllowedFile(ref, places).catch((error: unknown) => {
      throw missing(ref, error);
    });
    return handle.createReadStream({ start: 0, ...range });
  }

  async stat(owner: string, ref: MediaRef): Promise<MediumFacts | undefined> {
    if (!this.#isOf(owner, ref)) return undefined;
    const found = await stat(ref).catch(() => undefined);
    if (!found?.isFile()) return undefined;
    return { name: nameOf(ref), sizeBytes: found.size, modifiedAt: found.mtimeMs };
  }

  /** Nobody can fetch anything from a disk. */
  async url(_owner: string, _ref: MediaRef, _wishes: LinkWishes): Promise<string | undefined> {
    return undefined;
  }

  async delete(owner: string, ref: MediaRef): Promise<void> {
    if (!this.#isOf(owner, ref)) return;
    await removeKeptThumbnail(ref);
    try {
      await unlink(ref);
      await this.#syncs.run(dirname(ref));
    } catch (error) {
      if (isCode(error, "ENOENT", "ENOTDIR")) return;
      throw new AppError("storage", `${oneLine(ref)} cannot be deleted.`, { cause: error });
    }
  }

  async deleteAll(owner: string): Promise<void> {
    if (owner === this.#options.homeOwner) {
      throw new AppError("internal", "The folder of this machine's user is never removed.");
    }
    const root = this.#root(owner);
    try {
      await rm(root, { recursive: true, force: true });
    } catch (error) {
      throw new AppError("storage", `${oneLine(root)} cannot be removed.`, { cause: error });
    }
  }

  async keepThumbnail(owner: string, ref: MediaRef, bytes: Uint8Array): Promise<void> {
    if (!(await this.stat(owner, ref))) throw missing(ref);
    await writeKeptThumbnail(ref, bytes);
  }

  async thumbnail(owner: string, ref: MediaRef): Promise<Buffer | undefined> {
    return this.#isOf(owner, ref) ? readKeptThumbnail(ref) : undefined;
  }

  async *list(owner: string): AsyncIterable<MediaRef> {
    const root = this.#root(owner);
    for (const day of (await namesIn(root)).filter((name) => DAY_FOLDER.test(name))) {
      for (const name of await namesIn(join(root, day))) {
        const path = join(root, day, name);
        if (!name.startsWith(".") && (await this.stat(owner, path))) yield path;
      }
    }
  }

  localPath(owner: string, ref: MediaRef): string | undefined {
    return this.#isOf(owner, ref) ? ref : undefined;
  }

  /**
   * Whether a file can be an owner's. The output folder may have been another one when it was
   * kept; in any of them, another owner's files lie in a folder of that owner's.
   */
  #isOf(owner: string, ref: MediaRef): boolean {
    const { outputDir, homeOwner } = this.#options;
    if (owner === homeOwner) {
      const [users, , day = ""] = relative(outputDir, ref).split(sep);
      return isAbsolute(ref) && !(users === USERS_FOLDER && DAY_FOLDER.test(day));
    }
    const [users, id, day = ""] = ref.split(sep).slice(-4, -1);
    const isWhole = isAbsolute(ref) && resolve(ref) === ref;
    return isWhole && users === USERS_FOLDER && id === ownerFolder(owner) && DAY_FOLDER.test(day);
  }

  /** @throws {configuration} */
  #root(owner: string): string {
    const { outputDir, homeOwner } = this.#options;
    return owner === homeOwner ? outputDir : join(outputDir, USERS_FOLDER, ownerFolder(owner));
  }

  #folder(owner: string, createdAt: number): string {
    return join(this.#root(owner), new Date(createdAt).toISOString().slice(0, 10));
  }
}

/** Writes and syncs. @throws {storage} or what the content fails with. */
async function writeDraft(
  draft: string,
  content: Readable | Uint8Array,
): Promise<Omit<KeptMedium, "ref">> {
  const folder = dirname(draft);
  const hash = createHash("sha256");
  let sizeBytes = 0;
  const file = await orStorage(folder, () => open(draft, "wx", 0o600));
  try {
    for await (const chunk of content instanceof Readable ? content : [content]) {
      const bytes = Buffer.from(chunk);
      hash.update(bytes);
      sizeBytes += bytes.length;
      await orStorage(folder, () => file.writeFile(bytes));
    }
  } finally {
    await file.close();
  }
  return { sizeBytes, sha256: hash.digest("hex") };
}

async function namesIn(folder: string): Promise<string[]> {
  try {
    return (await readdir(folder)).sort();
  } catch (error) {
    if (isCode(error, "ENOENT", "ENOTDIR")) return [];
    throw new AppError("storage", `${oneLine(folder)} cannot be read.`, { cause: error });
  }
}

function missing(ref: MediaRef, cause?: unknown): AppError {
  return new AppError("not_found", `${oneLine(ref)} is missing.`, { cause });
}
