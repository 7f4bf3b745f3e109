import { basename, dirname } from "node:path";
import type { Caller } from "../core/caller.ts";
import { AppError } from "../core/errors.ts";
import { byteCount, oneLine } from "../core/text.ts";
import { readUri } from "../core/uris.ts";
import type { Places } from "../media/allowed-files.ts";
import { whileHeld } from "../media/held-file.ts";
import type { MediaStore } from "../media/media-store.ts";
import { withLocalFile } from "../media/scratch.ts";
import { fileOrigin } from "../models/file-origin.ts";
import type { FileField, ResolvedFiles } from "../models/operation.ts";
import { checkPicture } from "./checked-picture.ts";
import type { Dataset } from "./dataset.ts";
import { type HandedOver, type HandOverOptions, handOver, needsAddress } from "./hand-over.ts";
import type { Hosting } from "./hosting.ts";
import type { StagedFile } from "./hosting-record.ts";
import { LateRefusal } from "./late-refusal.ts";
import { type EarlierFile, fromDataUri, withEarlierPicture, withPicture } from "./named-picture.ts";
import { openDataset, wishesOf } from "./open-dataset.ts";
import type { UploadKind } from "./upload-type.ts";
import type { UploadedFile, Uploads } from "./uploads.ts";

/** How many changed pictures of a training set are named. */
const MAX_NOTES = 5;
const MAX_NAME = 200;

export interface InputOptions extends Pick<HandOverOptions, "mayShrink"> {
  places: Places;
  /** Where finished files are. */
  media: Pick<MediaStore, "open" | "stat" | "localPath">;
  /** What callers elsewhere have uploaded. */
  uploads: Pick<Uploads, "find">;
  /** @throws {not_found | invalid_input} */
  findEarlier(owner: string, jobId: string, index: number): Promise<EarlierFile>;
}

interface Reader extends HandOverOptions {
  isRemote: boolean;
}

/** What an operation is sent in place of the files that a caller named. */
export interface ResolvedInputs {
  values: ResolvedFiles;
  /** The same files by what they hold, so that a duplicate call is recognised. */
  identities: ResolvedFiles;
  /** What the provider is to fetch here: written down, and served once the purchase is recorded. */
  staged: StagedFile[];
  /** What each file was found to be, and how it reaches the provider. */
  found: string[];
  /** What the caller should know. */
  notes: string[];
}

/** Turns whatever names a caller's file into what an operation accepts. */
export class InputResolver {
  readonly #options: InputOptions;

  constructor(options: InputOptions) {
    this.#options = options;
  }

  /**
   * Reads and checks the files of validated arguments, and writes down what the provider is to
   * fetch here; nothing is served yet. Nothing has been recorded or bought when it throws.
   * @param hosting where that is written down, if it is.
   * @throws {invalid_input | not_found | configuration | storage}
   */
  async resolve(
    fields: readonly FileField[],
    input: Readonly<Record<string, unknown>>,
    { owner, isRemote }: Caller,
    hosting: Hosting,
  ): Promise<ResolvedInputs> {
    const resolved: ResolvedInputs = {
      ...{ values: {}, identities: {}, staged: [], found: [], notes: [] },
    };
    const late = new LateRefusal(hosting);
    try {
      const { mayShrink } = this.#options;
      const reader = { owner, isRemote, hosting: late, mayShrink };
      await this.#resolveInto(resolved, fields, input, reader);
      late.settle();
      return resolved;
    } catch (error) {
      await late.discard(resolved.staged);
      throw error;
    }
  }

  async #resolveInto(
    into: ResolvedInputs,
    fields: readonly FileField[],
    input: Readonly<Record<string, unknown>>,
    reader: Reader,
  ): Promise<void> {
    const values: Record<string, string[]> = {};
    const identities: Record<string, string[]> = {};
    for (const field of fields) {
      const named = [input[field.name]].flat().filter((one) => typeof one === "string");
      if (reader.isRemote) for (const text of named) refusePath(field, text);
      // One after the other, so that one picture at a time is in memory.
      for (const text of named) {
        const resolved =
          field.kind === "archive"
            ? await this.#archive(field, text, input, reader)
            : await this.#picture(field, text, reader);
        values[field.name] = [...(values[field.name] ?? []), resolved.value];
        identities[field.name] = [...(identities[field.name] ?? []), resolved.identity];
        if (resolved.staged) into.staged.push(resolved.staged);
        into.found.push(`\`${field.name}\` ${shownName(text)}: ${resolved.found}`);
        into.notes.push(...resolved.notes);
      }
    }
    into.values = values;
    into.identities = identities;
  }

  async #archive(
    field: FileField,
    text: string,
    input: Readonly<Record<string, unknown>>,
    reader: HandOverOptions,
  ): Promise<HandedOver> {
    const { owner } = reader;
    const { places, media } = this.#options;
    const wishes = wishesOf(field, input);
    const within = (path: string, reachable: Places) =>
      this.#set(field, () => openDataset(path, reachable, wishes), reader);
    switch (fileOrigin(text)) {
      case "url":
        return asAddress(text);
      case "upload": {
        const { path } = await this.#findUpload(text, owner, "archive");
        return within(path, besides(places, path));
      }
      case "earlier": {
        const earlier = await this.#findEarlier(text, owner);
        if (earlier.isFresh) return asEarlier(earlier);
        // A set is read from its end, and unpacked: it must be a file.
        const isHere = media.localPath?.(owner, earlier.ref) !== undefined;
        return withLocalFile(media, owner, earlier.ref, (path) =>
          within(path, isHere ? places : besides(places, path)),
        );
      }
      default:
        return within(text, places);
    }
  }

  async #set(
    field: FileField,
    open: () => Promise<Dataset>,
    reader: HandOverOptions,
  ): Promise<HandedOver> {
    const { hosting } = reader;
    const dataset = await open();
    try {
      const { describeDataset } = await import("./dataset.ts");
      const summary = describeDataset(dataset.report);
      if (dataset.report.problems.length > 0) {
        throw new AppError("invalid_input", `\`${field.name}\` cannot be used. ${summary}`);
      }
      await hosting.requireAddress(needsAddress(field));
      const staged = await hosting.stage(reader.owner, dataset.zip(), "zip");
      return {
        value: staged.url,
        identity: `sha256:${staged.sha256}`,
        staged,
        found: `ZIP, ${byteCount(staged.sizeBytes)}, ${hosting.served}`,
        notes: [summary, ...dataset.changes.slice(0, MAX_NOTES)],
      };
    } finally {
      await dataset.close();
    }
  }

  #findEarlier(text: string, owner: string): Promise<EarlierFile> {
    const named = readUri(text);
    if (named?.kind !== "medium") throw new AppError("internal", "No earlier file is named.");
    return this.#options.findEarlier(owner, named.jobId, named.index);
  }

  #findUpload(text: string, owner: string, kind: UploadKind): Promise<UploadedFile> {
    const named = readUri(text);
    if (named?.kind !== "upload") throw new AppError("internal", "No upload is named.");
    return this.#options.uploads.find(owner, named.uploadId, kind);
  }

  async #picture(field: FileField, text: string, reader: HandOverOptions): Promise<HandedOver> {
    switch (fileOrigin(text)) {
      case "url":
        return asAddress(text);
      case "data":
        return whileHeld(text.length, async () =>
          handOver(field, await fromDataUri(text, field.name), "data", reader),
        );
      case "earlier":
        return this.#earlier(field, text, reader);
      case "upload": {
        const { path, name } = await this.#findUpload(text, reader.owner, "picture");
        return withPicture(path, besides(this.#options.places, path), async (bytes) =>
          handOver(field, await checkPicture(bytes, name), "path", reader),
        );
      }
      default: {
        const { places } = this.#options;
        return withPicture(text, places, async (bytes) =>
          handOver(field, await checkPicture(bytes, basename(text)), "path", reader),
        );
      }
    }
  }

  async #earlier(field: FileField, text: string, reader: HandOverOptions): Promise<HandedOver> {
    const { owner } = reader;
    const earlier = await this.#findEarlier(text, owner);
    if (earlier.isFresh) return asEarlier(earlier);
    return withEarlierPicture(this.#options.media, earlier, text, owner, async (bytes) =>
      handOver(field, await checkPicture(bytes, text), "path", reader),
    );
  }
}

/** The one place of a file that is allowed for what it is, wherever it lies. */
function besides({ workingDir, homeDir }: Places, path: string): Places {
  return { workingDir, homeDir, allowedDirs: [dirname(path)] };
}

/** Whoever is elsewhere has no files here: the same is said of every path. @throws {invalid_input} */
function refusePath({ name }: FileField, text: string): void {
  const origin = fileOrigin(text);
  if (origin !== "path" && origin !== undefined) return;
  throw new AppError("invalid_input", `\`${name}\` of a caller elsewhere is no path.`);
}

/** An address that is sent as it is; the provider looks at what is there. */
function asAddress(url: string): HandedOver {
  return {
    value: url,
    identity: url,
    found: "fetched by the provider, not looked at here",
    notes: [],
  };
}

function asEarlier({ url, sha256 }: EarlierFile): HandedOver {
  const found = `fetched by the provider from where it served it, ${oneLine(url)}`;
  return { value: url, identity: `sha256:${sha256}`, found, notes: [] };
}

function shownName(text: string): string {
  return fileOrigin(text) === "data" ? "(data URI)" : oneLine(text, MAX_NAME);
}
