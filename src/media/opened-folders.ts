import { readFile, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import * as z from "zod";
import { type Clock, DAY_MS } from "../core/clock.ts";
import { AppError } from "../core/errors.ts";
import { randomToken } from "../core/ids.ts";
import { makeFolder } from "../core/make-folder.ts";
import type { Agreed } from "../core/question.ts";
import { ALWAYS, folderOf, type OpenedPlace, placeOf } from "./place-question.ts";

/** Beside the jobs. */
const FILE = "opened-folders.json";
/** How long a job may take until its files are copied to a place that was opened for them. */
const COPIES_DAYS = 7;

/** Places outside the allowed folders that the user has opened; all links followed. */
export interface OpenedPlaces {
  /** Files, and folders with all in them, that may be read. */
  toRead(): Promise<readonly string[]>;
  /** Folders that may be saved in. */
  toSave(): Promise<readonly string[]>;
  /** The same, and what was opened for the results of jobs that are under way. */
  toCopy(): Promise<readonly string[]>;
}

const folderSchema = z.object({
  use: z.enum(["read", "save"]),
  folder: z.string(),
  since: z.string(),
});
const fileSchema = z.object({
  folders: z.array(folderSchema),
  copies: z.array(z.object({ folder: z.string(), until: z.number() })),
});
type Kept = z.output<typeof fileSchema>;

/** A folder that is open for good. */
export type OpenedFolder = z.output<typeof folderSchema>;

/** What the user has opened for good, in a file of ours that they can look at and take back from. */
export class OpenedFolders {
  readonly #dataDir: string;
  readonly #clock: Pick<Clock, "now">;
  /** One change after the other. */
  #last: Promise<unknown> = Promise.resolve();

  constructor(dataDir: string, clock: Pick<Clock, "now">) {
    this.#dataDir = dataDir;
    this.#clock = clock;
  }

  get path(): string {
    return join(this.#dataDir, FILE);
  }

  /** @throws {configuration} when the file is not as this program writes it */
  async list(): Promise<OpenedFolder[]> {
    return (await this.#read()).folders;
  }

  /**
   * Keeps what outlasts the call in which the user has opened a place.
   * @param key of the question that was accepted, whatever it was about
   * @throws {configuration}
   */
  async keep(key: string, chosen: string): Promise<void> {
    const place = placeOf(key);
    if (!place) return;
    if (chosen === ALWAYS) await this.#add(place);
    else if (place.need === "save") await this.#expectCopies(place.path);
  }

  /** Closes a folder again. @returns whether it was open. @throws {configuration} */
  async forget(folder: string): Promise<boolean> {
    return this.#change(({ folders, copies }) => ({
      folders: folders.filter((one) => one.folder !== folder),
      copies: copies.filter((one) => one.folder !== folder),
    }));
  }

  /** These, and what was opened for the call under way. */
  withCall(agreed: () => Agreed): OpenedPlaces {
    const now = (isWanted: (place: OpenedPlace) => boolean) =>
      [...agreed().keys()].flatMap((key) => {
        const place = placeOf(key);
        return place && isWanted(place) ? [place.path] : [];
      });
    // A file that cannot be read opens nothing, and closes nothing that the settings allow.
    const kept = () => this.#read().catch((): Kept => ({ folders: [], copies: [] }));
    const forGood = async (use: OpenedFolder["use"]) =>
      (await kept()).folders.filter((one) => one.use === use).map(({ folder }) => folder);
    const toSave = async () => [...now(({ need }) => need === "save"), ...(await forGood("save"))];
    return {
      toRead: async () => [...now(({ need }) => need !== "save"), ...(await forGood("read"))],
      toSave,
      toCopy: async () => [
        ...(await toSave()),
        ...(await kept()).copies
          .filter(({ until }) => until > this.#clock.now())
          .map(({ folder }) => folder),
      ],
    };
  }

  async #add(place: OpenedPlace): Promise<void> {
    const use = place.need === "save" ? "save" : "read";
    const folder = folderOf(place);
    const since = new Date(this.#clock.now()).toISOString();
    await this.#change(({ folders, copies }) => {
      const others = folders.filter((one) => one.use !== use || one.folder !== folder);
      return { folders: [...others, { use, folder, since }], copies };
    });
  }

  async #expectCopies(folder: string): Promise<void> {
    const now = this.#clock.now();
    const until = now + COPIES_DAYS * DAY_MS;
    await this.#change(({ folders, copies }) => {
      const others = copies.filter((one) => one.folder !== folder && one.until > now);
      return { folders, copies: [...others, { folder, until }] };
    });
  }

  /** @returns whether anything has changed. */
  #change(change: (kept: Kept) => Kept): Promise<boolean> {
    const done = this.#last.then(async () => {
      const before = await this.#read();
      const after = change(before);
      if (JSON.stringify(after) === JSON.stringify(before)) return false;
      await makeFolder(this.#dataDir);
      const draft = `${this.path}.${randomToken()}`;
      try {
        await writeFile(draft, `${JSON.stringify(after, undefined, 2)}\n`, {
          mode: 0o600,
          flag: "wx",
        });
        await rename(draft, this.path);
      } finally {
        await rm(draft, { force: true });
      }
      return true;
    });
    this.#last = done.catch(() => undefined);
    return done;
  }

  async #read(): Promise<Kept> {
    const text = await readFile(this.path, "utf8").catch((error: NodeJS.ErrnoException) => {
      if (error.code === "ENOENT") return undefined;
      throw this.#broken(error);
    });
    if (text === undefined) return { folders: [], copies: [] };
    try {
      return fileSchema.parse(JSON.parse(text));
    } catch (error) {
      throw this.#broken(error);
    }
  }

  #broken(cause: unknown): AppError {
    return new AppError("configuration", `${this.path} cannot be read as this program writes it.`, {
      cause,
      next: "Ask the user to remove it: then no folder is open but those of the settings. Nothing was sent.",
    });
  }
}
