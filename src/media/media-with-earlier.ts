import { isAbsolute } from "node:path";
import type { Readable } from "node:stream";
import type { ResultKind } from "./file-names.ts";
import type {
  ByteRange,
  DraftNaming,
  KeepOptions,
  KeptMedium,
  LinkWishes,
  MediaNaming,
  MediaRef,
  MediaStore,
  MediumFacts,
  StraightWay,
} from "./media-store.ts";

/**
 * A store for what comes, and one on this disk for what was kept before there was the other: what
 * the latter calls its files are absolute paths, and nothing else is.
 */
export class MediaWithEarlier implements MediaStore {
  readonly #store: MediaStore;
  readonly #earlier: MediaStore;

  constructor(store: MediaStore, earlier: MediaStore) {
    this.#store = store;
    this.#earlier = earlier;
  }

  checkRoom(owner: string, kind: ResultKind, count: number): Promise<void> {
    return this.#store.checkRoom(owner, kind, count);
  }

  makeRoom(owner: string): Promise<void> {
    return this.#store.makeRoom(owner);
  }

  put(content: Readable | Uint8Array, naming: MediaNaming, how?: KeepOptions): Promise<KeptMedium> {
    return this.#store.put(content, naming, how);
  }

  newDraft(naming: DraftNaming): string {
    return this.#store.newDraft(naming);
  }

  prepareDraft(draft: string): Promise<void> {
    return this.#store.prepareDraft(draft);
  }

  keep(draft: string, naming: MediaNaming, how?: KeepOptions): Promise<MediaRef> {
    return this.#store.keep(draft, naming, how);
  }

  straight(): StraightWay | undefined {
    return this.#store.straight?.();
  }

  discardDrafts(drafts: readonly string[]): Promise<void> {
    return this.#store.discardDrafts(drafts);
  }

  clearDrafts(job: Omit<DraftNaming, "index">): Promise<void> {
    return this.#store.clearDrafts(job);
  }

  letGo(owner: string, ref: MediaRef): Promise<void> {
    return this.#of(ref).letGo(owner, ref);
  }

  open(owner: string, ref: MediaRef, range?: ByteRange): Promise<Readable> {
    return this.#of(ref).open(owner, ref, range);
  }

  stat(owner: string, ref: MediaRef): Promise<MediumFacts | undefined> {
    return this.#of(ref).stat(owner, ref);
  }

  url(owner: string, ref: MediaRef, wishes: LinkWishes): Promise<string | undefined> {
    return this.#of(ref).url(owner, ref, wishes);
  }

  delete(owner: string, ref: MediaRef): Promise<void> {
    return this.#of(ref).delete(owner, ref);
  }

  async deleteAll(owner: string): Promise<void> {
    await this.#store.deleteAll(owner);
    await this.#earlier.deleteAll(owner);
  }

  keepThumbnail(owner: string, ref: MediaRef, bytes: Uint8Array): Promise<void> {
    return this.#of(ref).keepThumbnail(owner, ref, bytes);
  }

  thumbnail(owner: string, ref: MediaRef): Promise<Buffer | undefined> {
    return this.#of(ref).thumbnail(owner, ref);
  }

  async *list(owner: string): AsyncIterable<MediaRef> {
    yield* this.#earlier.list(owner);
    yield* this.#store.list(owner);
  }

  localPath(owner: string, ref: MediaRef): string | undefined {
    return this.#of(ref).localPath?.(owner, ref);
  }

  #of(ref: MediaRef): MediaStore {
    return isAbsolute(ref) ? this.#earlier : this.#store;
  }
}
