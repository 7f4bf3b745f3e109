import type { Readable } from "node:stream";
import { type ResultKind, slug } from "./file-names.ts";

/**
 * What a store calls a finished file: on a disk its absolute path, in a bucket its key. It ends
 * with the file's name; nobody but the store reads anything else in it.
 */
export type MediaRef = string;

/** Whose an unfinished file is, and which of a job's files it will be. */
export interface DraftNaming {
  owner: string;
  jobId: string;
  /** A number, or what makes the file different from the numbered ones. */
  index: number | string;
  createdAt: number;
}

/** What a finished file is named after. */
export interface MediaNaming extends DraftNaming {
  operation: string;
  /** The prompt, or whatever describes the job; any text is safe. */
  words: string;
  extension: string;
}

export interface KeptMedium {
  ref: MediaRef;
  sizeBytes: number;
  sha256: string;
}

/** How a file is kept where that may take more than one try. */
export interface KeepOptions {
  /** Ends the tries. */
  signal?: AbortSignal | undefined;
  /** Hears why it is not kept yet. */
  waiting?: ((why: string) => void) | undefined;
  /** Whether somebody waits for the answer, so that one try must do. */
  once?: boolean | undefined;
  /** Of the content, as hexadecimal digits, where that is known. */
  sha256?: string | undefined;
}

/**
 * Keeps content while it comes, in one try: nothing of it lies on this machine, and nothing is kept
 * of what breaks off.
 * @param bytes how long it is.
 * @throws {storage | configuration | cancelled} or the {DownloadFailure} that the content fails with.
 */
export type StraightWay = (
  content: Readable,
  bytes: number,
  naming: MediaNaming,
  signal?: AbortSignal,
) => Promise<MediaRef>;

/** What an address of a file is for. */
export interface LinkWishes {
  seconds: number;
  mimeType: string;
  /** Whether a browser keeps the file, and under which name. */
  disposition: string;
  method: "GET" | "HEAD";
}

export interface MediumFacts {
  name: string;
  sizeBytes: number;
  /** Milliseconds since 1970. */
  modifiedAt: number;
}

/** Bytes of a file, both ends included; what lies beyond the file's end is not there. */
export interface ByteRange {
  start: number;
  end?: number;
}

/**
 * Where finished files live. A file has its name once it is whole and safe from a power cut, and
 * nothing that exists is ever overwritten: on a disk the next one has another name, and in a bucket
 * a job's file is called the same whoever writes it. Whoever names another owner's file is told
 * that there is none.
 */
export interface MediaStore {
  /**
   * Makes sure that so many results can be kept, before anything is bought.
   * @throws {storage | configuration}
   */
  checkRoom(owner: string, kind: ResultKind, count: number): Promise<void>;
  /** Makes ready for the first result of an owner. @throws {storage} when that cannot be */
  makeRoom(owner: string): Promise<void>;

  /**
   * Keeps content as it comes; of what breaks off nothing stays.
   * @throws {storage} or whatever the content fails with.
   */
  put(
    content: Readable | Uint8Array,
    naming: MediaNaming,
    how?: Omit<KeepOptions, "sha256">,
  ): Promise<KeptMedium>;

  /**
   * A path on this machine for a file that takes more than one try or tool to make: nobody else
   * ever writes to it, not another process that takes itself for the job's holder, nor another try
   * in this one. It comes to be with {@link prepareDraft}.
   */
  newDraft(naming: DraftNaming): string;
  /** Makes sure that a draft can be written. @throws {storage} */
  prepareDraft(draft: string): Promise<void>;
  /** Makes a finished draft a kept file. @throws {storage} */
  keep(draft: string, naming: MediaNaming, how?: KeepOptions): Promise<MediaRef>;
  /**
   * A way for a file that is fetched past this machine's disk, in a store that has one.
   * @returns `undefined` while it is not to be gone: a draft is kept more patiently.
   */
  straight?(): StraightWay | undefined;
  /**
   * Lets go what was kept here and no job names: where another process would have kept the same
   * under the same name, it stays. @throws {storage}
   */
  letGo(owner: string, ref: MediaRef): Promise<void>;
  /** Removes drafts that are not kept. */
  discardDrafts(drafts: readonly string[]): Promise<void>;
  /**
   * Removes the drafts that other processes have left of a job. One of them that is at work all
   * the same finds nothing to keep in the end, and begins anew.
   */
  clearDrafts(job: Omit<DraftNaming, "index">): Promise<void>;

  /** @throws {not_found | storage} */
  open(owner: string, ref: MediaRef, range?: ByteRange): Promise<Readable>;
  /** @returns `undefined` when there is no such file. @throws {storage} when nobody can tell */
  stat(owner: string, ref: MediaRef): Promise<MediumFacts | undefined>;
  /** An address from which anybody may fetch the file for a while, if the store has such. */
  url(owner: string, ref: MediaRef, wishes: LinkWishes): Promise<string | undefined>;
  /** A file that is not there is deleted already. @throws {storage} */
  delete(owner: string, ref: MediaRef): Promise<void>;
  /**
   * Everything of an owner's, also what is unfinished; not of the one whose files lie directly in a
   * folder of this machine's user. @throws {storage}
   */
  deleteAll(owner: string): Promise<void>;
  /**
   * Keeps what a file looks like small, in place of what was kept so before. It goes with the file,
   * and is none of the owner's files. @throws {storage | not_found}
   */
  keepThumbnail(owner: string, ref: MediaRef, bytes: Uint8Array): Promise<void>;
  /** @returns `undefined` where nothing is kept of the file as it is now, or it is not there. */
  thumbnail(owner: string, ref: MediaRef): Promise<Buffer | undefined>;
  /** All files of an owner. @throws {storage} */
  list(owner: string): AsyncIterable<MediaRef>;

  /**
   * Where the file lies, in a store on this machine's disk: for tools that read a picture in
   * pieces, or a ZIP from its end. Others have no such method, and the file is read whole.
   */
  localPath?(owner: string, ref: MediaRef): string | undefined;
}

/** What a finished file is called, without its ending. @param keepPrompts by its words as well. */
export function stemOf(naming: MediaNaming, keepPrompts = true): string {
  const words = keepPrompts ? slug(naming.words) : "";
  const short = naming.jobId.slice(-6);
  return [naming.operation.replaceAll("_", "-"), words, short, naming.index]
    .filter((part) => part !== "")
    .join("-");
}

/** The file's own name. */
export function nameOf(ref: MediaRef): string {
  return ref.split(/[/\\]/).at(-1) ?? ref;
}

/** A whole file in memory. @throws {not_found} or what reading fails with. */
export async function readMedium(
  store: Pick<MediaStore, "open">,
  owner: string,
  ref: MediaRef,
): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of await store.open(owner, ref)) chunks.push(Buffer.from(chunk));
  return Buffer.concat(chunks);
}

/** A kept picture for the decoder: where it lies, if that is on this disk, else all its bytes. */
export async function pictureSource(
  store: Pick<MediaStore, "open" | "localPath">,
  owner: string,
  ref: MediaRef,
): Promise<Buffer | string> {
  return store.localPath?.(owner, ref) ?? readMedium(store, owner, ref);
}
