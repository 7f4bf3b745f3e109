import { basename } from "node:path";
import { AppError } from "../core/errors.ts";
import { readUri } from "../core/uris.ts";
import type { Places } from "../media/allowed-files.ts";
import { whileHeld } from "../media/held-file.ts";
import type { MediaStore } from "../media/media-store.ts";
import { fileOrigin } from "../models/file-origin.ts";
import type { FileField, ResolvedFiles } from "../models/operation.ts";
import { checkPicture } from "./checked-picture.ts";
import type { DatasetReport } from "./dataset.ts";
import { type HandedOver, type HandOverOptions, handOver, needsAddress } from "./hand-over.ts";
import type { StagedFile } from "./hosting-record.ts";
import { type EarlierFile, fromDataUri, withEarlierPicture, withPicture } from "./named-picture.ts";
import { openDataset, wishesOf } from "./open-dataset.ts";

/** How many changed pictures of a training set are named. */
const MAX_NOTES = 5;

export interface InputOptions extends HandOverOptions {
  places: Places;
  /** Where finished files are. */
  media: Pick<MediaStore, "open" | "stat" | "localPath">;
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
  ): Promise<HandedOver> {
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
      const staged = await hosting.stage(owner, dataset.zip(), "zip");
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

  async #picture(field: FileField, text: string, owner: string): Promise<HandedOver> {
    switch (fileOrigin(text)) {
      case "url":
        return { value: text, identity: text, notes: [] };
      case "data":
        return whileHeld(text.length, async () =>
          handOver(owner, field, await fromDataUri(text, field.name), "data", this.#options),
        );
      case "earlier":
        return this.#earlier(field, text, owner);
      default: {
        const { places } = this.#options;
        return withPicture(text, places, async (bytes) =>
          handOver(owner, field, await checkPicture(bytes, basename(text)), "path", this.#options),
        );
      }
    }
  }

  async #earlier(field: FileField, text: string, owner: string): Promise<HandedOver> {
    const earlier = await this.#findEarlier(text, owner);
    if (earlier.isFresh) {
      return { value: earlier.url, identity: `sha256:${earlier.sha256}`, notes: [] };
    }
    return withEarlierPicture(this.#options.media, earlier, text, owner, async (bytes) =>
      handOver(owner, field, await checkPicture(bytes, text), "path", this.#options),
    );
  }
}
