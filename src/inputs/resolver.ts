import { createHash } from "node:crypto";
import { basename } from "node:path";
import { Readable } from "node:stream";
import { AppError } from "../core/errors.ts";
import { byteCount, oneLine } from "../core/text.ts";
import { readUri } from "../core/uris.ts";
import { allowedFolder, isFolder, openAllowedFile, type Places } from "../media/allowed-files.ts";
import { MAX_PICTURE_BYTES, readHeld, whileHeld } from "../media/held-file.ts";
import type { MediaRef, MediaStore } from "../media/media-store.ts";
import { OPERATIONS } from "../models/catalogue.ts";
import { fileOrigin } from "../models/file-origin.ts";
import type { FileField, ResolvedFiles } from "../models/operation.ts";
import { type CheckedPicture, checkPicture, shrinkPicture } from "./checked-picture.ts";
import type { Dataset, DatasetReport, DatasetWishes } from "./dataset.ts";
import type { Hosting, StagedFile } from "./hosting.ts";

/** What a picture may weigh inside a request; base64 makes four bytes of three. */
const MAX_INLINE_BYTES = 10_000_000;

/** How many changed pictures of a training set are named. */
const MAX_NOTES = 5;

/** A finished file of an earlier job. */
export interface EarlierFile {
  ref: MediaRef;
  /** Where the provider served it. */
  url: string;
  /** Whether that is so recent that it surely still does, and the provider can reach it. */
  isFresh: boolean;
  sha256: string;
}

export interface InputOptions {
  places: Places;
  /** Where finished files are. */
  media: Pick<MediaStore, "open" | "stat" | "localPath">;
  hosting: Hosting;
  /** Whether pictures that are too large for a request may be made smaller. */
  mayShrink: boolean;
  /** @throws {not_found | invalid_input} */
  findEarlier(owner: string, jobId: string, index: number): Promise<EarlierFile>;
}

/** What an operation is sent in place of the files that a caller named. */
export interface ResolvedInputs {
  values: ResolvedFiles;
  /** The same files by what they hold, so that a duplicate call is recognised. */
  identities: ResolvedFiles;
  /** What the provider is to fetch here: written down, and served once the purchase is recorded. */
  staged: StagedFile[];
  /** What the caller should know. */
  notes: string[];
}

interface Resolved {
  value: string;
  identity: string;
  staged?: StagedFile;
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
   * @throws {invalid_input | not_found | configuration | storage}
   */
  async resolve(
    fields: readonly FileField[],
    input: Readonly<Record<string, unknown>>,
    owner: string,
  ): Promise<ResolvedInputs> {
    const resolved: ResolvedInputs = { values: {}, identities: {}, staged: [], notes: [] };
    try {
      await this.#resolveInto(resolved, fields, input, owner);
      return resolved;
    } catch (error) {
      await this.discard(resolved);
      throw error;
    }
  }

  /** Forgets what was written down for a purchase that was not made. */
  async discard({ staged }: Pick<ResolvedInputs, "staged">): Promise<void> {
    await this.#options.hosting.discard(staged);
  }

  async #resolveInto(
    into: ResolvedInputs,
    fields: readonly FileField[],
    input: Readonly<Record<string, unknown>>,
    owner: string,
  ): Promise<void> {
    const values: Record<string, string[]> = {};
    const identities: Record<string, string[]> = {};
    for (const field of fields) {
      const named = [input[field.name]].flat().filter((one) => typeof one === "string");
      // One after the other, so that one picture at a time is in memory.
      for (const text of named) {
        const resolved =
          field.kind === "archive"
            ? await this.#archive(field, text, input, owner)
            : await this.#picture(field, text, owner);
        values[field.name] = [...(values[field.name] ?? []), resolved.value];
        identities[field.name] = [...(identities[field.name] ?? []), resolved.identity];
        if (resolved.staged) into.staged.push(resolved.staged);
        into.notes.push(...resolved.notes);
      }
    }
    into.values = values;
    into.identities = identities;
  }

  /**
   * Looks through the training sets that arguments name, without sending anything.
   * @returns a report for people, and whether nothing forbids to use them.
   */
  async checkDatasets(
    fields: readonly FileField[],
    input: Readonly<Record<string, unknown>>,
  ): Promise<{ text: string; isUsable: boolean }> {
    const { describeDataset } = await import("./dataset.ts");
    const reports: DatasetReport[] = [];
    const { places } = this.#options;
    for (const field of fields.filter((one) => one.kind === "archive")) {
      for (const text of [input[field.name]].flat().filter((one) => typeof one === "string")) {
        const dataset = await openDataset(text, places, wishesOf(field, input));
        await dataset.close();
        reports.push(dataset.report);
      }
    }
    return {
      text: reports.map(describeDataset).join("\n"),
      isUsable: reports.every(({ problems }) => problems.length === 0),
    };
  }

  async #archive(
    field: FileField,
    text: string,
    input: Readonly<Record<string, unknown>>,
    owner: string,
  ): Promise<Resolved> {
    const { hosting, places } = this.#options;
    const origin = fileOrigin(text);
    if (origin === "url") return { value: text, identity: text, notes: [] };
    let path = text;
    if (origin === "earlier") {
      const earlier = await this.#findEarlier(text, owner);
      if (earlier.isFresh) {
        return { value: earlier.url, identity: `sha256:${earlier.sha256}`, notes: [] };
      }
      // A set is read from its end, and unpacked: it is taken from where it lies.
      path = this.#options.media.localPath?.(owner, earlier.ref) ?? text;
    }
    const dataset = await openDataset(path, places, wishesOf(field, input));
    try {
      const { describeDataset } = await import("./dataset.ts");
      const summary = describeDataset(dataset.report);
      if (dataset.report.problems.length > 0) {
        throw new AppError("invalid_input", `\`${field.name}\` cannot be used. ${summary}`);
      }
      if (!hosting.isAvailable) throw needsAddress(field);
      const staged = await hosting.stage(dataset.zip(), "zip");
      return {
        value: staged.url,
        identity: `sha256:${staged.sha256}`,
        staged,
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

  async #picture(field: FileField, text: string, owner: string): Promise<Resolved> {
    switch (fileOrigin(text)) {
      case "url":
        return { value: text, identity: text, notes: [] };
      case "data":
        return whileHeld(text.length, async () =>
          this.#deliver(field, await fromDataUri(text, field.name), "data"),
        );
      case "earlier":
        return this.#earlier(field, text, owner);
      default: {
        const { places } = this.#options;
        return withPicture(text, places, async (bytes) =>
          this.#deliver(field, await checkPicture(bytes, basename(text)), "path"),
        );
      }
    }
  }

  async #earlier(field: FileField, text: string, owner: string): Promise<Resolved> {
    const earlier = await this.#findEarlier(text, owner);
    if (earlier.isFresh) {
      return { value: earlier.url, identity: `sha256:${earlier.sha256}`, notes: [] };
    }
    return this.#withEarlier(earlier, text, owner, async (bytes) =>
      this.#deliver(field, await checkPicture(bytes, text), "path"),
    );
  }

  async #withEarlier<T>(
    { ref, url }: EarlierFile,
    text: string,
    owner: string,
    work: (bytes: Buffer) => Promise<T>,
  ): Promise<T> {
    const { media } = this.#options;
    const found = await media.stat(owner, ref);
    const trouble = (what: string, cause?: unknown) => {
      const served = url === "" ? "" : ` It was served at ${oneLine(url)}, and may still be.`;
      return new AppError(
        "invalid_input",
        `${oneLine(ref)} of ${oneLine(text)} ${what}.${served}`,
        {
          cause,
          next: "`job_status` can fetch it again; or name the file where it is now.",
        },
      );
    };
    if (!found) throw trouble("is missing");
    if (found.sizeBytes > MAX_PICTURE_BYTES) {
      throw trouble(`has more than the ${byteCount(MAX_PICTURE_BYTES)} that a picture may have`);
    }
    return whileHeld(found.sizeBytes, async () => {
      const bytes = await media
        .open(owner, ref)
        .then((content) => upTo(MAX_PICTURE_BYTES, content, ref))
        .catch((error: unknown) => {
          throw trouble("cannot be read from its disk", error);
        });
      return work(bytes);
    });
  }

  async #deliver(
    field: FileField,
    picture: CheckedPicture,
    origin: "data" | "path",
  ): Promise<Resolved> {
    const { hosting, mayShrink } = this.#options;
    const identity = `sha256:${createHash("sha256").update(picture.bytes).digest("hex")}`;
    const travelsInline =
      field.dataUris === "documented" || (field.dataUris === "unpromised" && origin === "data");
    if (travelsInline) {
      const isTooLarge = picture.bytes.length > MAX_INLINE_BYTES;
      if (!isTooLarge || mayShrink) {
        const sent = isTooLarge
          ? await shrinkPicture(picture, MAX_INLINE_BYTES, field.name)
          : picture;
        const value = `data:${sent.mimeType};base64,${sent.bytes.toString("base64")}`;
        return { value, identity, notes: sent.notes };
      }
      if (!hosting.isAvailable) throw tooLarge(field, picture.bytes.length);
    }
    if (!hosting.isAvailable) throw needsAddress(field);
    const staged = await hosting.stage(picture.bytes, picture.extension);
    return { value: staged.url, identity, staged, notes: picture.notes };
  }
}

/**
 * A caller's ZIP file or folder.
 * @throws {invalid_input}
 */
async function openDataset(text: string, places: Places, wishes: DatasetWishes): Promise<Dataset> {
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

function wishesOf(field: FileField, input: Readonly<Record<string, unknown>>): DatasetWishes {
  const caption = field.training && input[field.training.defaultCaption];
  const references = field.training && input[field.training.referenceCount];
  return {
    defaultCaption: typeof caption === "string" ? caption : undefined,
    referenceCount: typeof references === "number" ? references : undefined,
  };
}

/** Works on the bytes of a caller's file, which are read when there is room for them. */
async function withPicture<T>(
  path: string,
  places: Places,
  work: (bytes: Buffer) => Promise<T>,
): Promise<T> {
  const { handle, size } = await openAllowedFile(path, places);
  try {
    if (size > MAX_PICTURE_BYTES) {
      throw new AppError(
        "invalid_input",
        `${oneLine(path)} has ${byteCount(size)}, more than the ${byteCount(MAX_PICTURE_BYTES)} that a picture may have.`,
      );
    }
    return await whileHeld(size, async () => {
      const bytes = await readHeld(handle, size, path).catch((error: unknown) => {
        if (error instanceof AppError) throw error;
        throw new AppError("invalid_input", `${oneLine(path)} cannot be read from its disk.`, {
          cause: error,
        });
      });
      return work(bytes);
    });
  } finally {
    await handle.close();
  }
}

/** A file can grow while it is read. */
async function upTo(maxBytes: number, content: Readable, name: string): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let total = 0;
  for await (const chunk of content) {
    const bytes = Buffer.from(chunk);
    total += bytes.length;
    if (total > maxBytes)
      throw new AppError("invalid_input", `${oneLine(name)} grows while it is read.`);
    chunks.push(bytes);
  }
  return Buffer.concat(chunks);
}

async function fromDataUri(text: string, name: string): Promise<CheckedPicture> {
  const base64 = text.slice(text.indexOf(",") + 1);
  const sizeBytes = Buffer.byteLength(base64, "base64");
  if (sizeBytes > MAX_PICTURE_BYTES) {
    throw new AppError(
      "invalid_input",
      `\`${name}\` has ${byteCount(sizeBytes)}, more than the ${byteCount(MAX_PICTURE_BYTES)} that a picture may have.`,
    );
  }
  return checkPicture(Buffer.from(base64, "base64"), `\`${name}\``);
}

/** The operation that takes pictures' bytes in the request, as the documents promise. */
function inlineOperation(): string {
  const found = OPERATIONS.find((operation) =>
    operation.files.some((field) => field.kind === "picture" && field.dataUris === "documented"),
  );
  return found ? `\`${found.name}\`` : "an operation";
}

/** The settings that give this server a public address. */
const ADDRESS_ADVICE =
  "set LONGCAT_MCP_PUBLIC_URL to the address of a tunnel that leads to this server's public port (LONGCAT_MCP_PUBLIC_PORT, needed on stdio; over HTTP by default the port above the server's)";

function needsAddress(field: FileField): AppError {
  const alternative =
    field.kind === "picture"
      ? `, or use ${inlineOperation()}, which takes local files as they are`
      : "";
  return new AppError(
    "invalid_input",
    `\`${field.name}\`: the provider fetches this file itself, so a local one needs a public address, and this server has none.`,
    { next: `Give a public https URL${alternative}; or ${ADDRESS_ADVICE}.` },
  );
}

function tooLarge(field: FileField, sizeBytes: number): AppError {
  return new AppError(
    "invalid_input",
    `\`${field.name}\`: the picture has ${byteCount(sizeBytes)}, more than the ${byteCount(MAX_INLINE_BYTES)} that are sent inside a request.`,
    {
      next: `Make it smaller, let this server do so with LONGCAT_MCP_SHRINK_INPUTS=on, or ${ADDRESS_ADVICE}.`,
    },
  );
}
