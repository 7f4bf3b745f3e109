import { createHash } from "node:crypto";
import { join } from "node:path";
import { Readable } from "node:stream";
import { type Clock, DAY_MS, HOUR_MS, MINUTE_MS } from "../core/clock.ts";
import { AppError } from "../core/errors.ts";
import { TOKEN_PATTERN } from "../core/id-patterns.ts";
import { randomToken } from "../core/ids.ts";
import type { Log } from "../core/log.ts";
import { Rounds } from "../core/rounds.ts";
import { oneLine } from "../core/text.ts";
import { uris } from "../core/uris.ts";
import { syncFolder } from "../media/placing.ts";
import type { HostedFolder } from "./hosted-folder.ts";
import { judgedContent, type Refusal } from "./judged-content.ts";
import type { ReceivedFile, Upload, UploadRecord } from "./upload-record.ts";
import type { UploadKind } from "./upload-type.ts";

/** Inside the data folder. */
export const UPLOADS_FOLDER = "uploads";
/** Where uploads are sent to below a public address. */
export const UPLOADS_PATH = "/uploads/";
/** How long an upload is kept for calls that name it. */
export const KEPT_DAYS = 7;

/** Nobody needs more at a time. */
const MAX_UNUSED = 100;
const SWEEP_MS = HOUR_MS;

/** The points of an upload at which the plug is pulled in tests. */
export const UPLOAD_POINTS = [
  "before-upload",
  "upload-ready",
  "upload-placed",
  "upload-noted",
] as const;
export type UploadPoint = (typeof UPLOAD_POINTS)[number];

export interface UploadLimits {
  /** How long an address can be used. */
  minutes: number;
  /** The most bytes of a picture or text. */
  bytes: number;
  /** The most bytes of an archive. */
  archiveBytes: number;
}

export interface UploadsOptions {
  folder: HostedFolder;
  record: UploadRecord;
  limits: UploadLimits;
  clock: Clock;
  log: Log;
  isGone: (holder: string) => boolean;
  /** Where the public port is found, without a trailing slash. @throws {configuration} */
  base(): Promise<string>;
  /** Whether what an owner was invited to may still be used. */
  mayCall(owner: string): Promise<boolean>;
  /**
   * Makes sure that so much more may be kept of an owner.
   * @returns the most that all uploads of the owner may have together; anything when `undefined`.
   * @throws {storage | rate_limited}
   */
  checkRoom(owner: string, bytes: number): Promise<number | undefined>;
  reached: (point: UploadPoint) => void;
}

/** What came of a file that somebody has sent. */
export type Receipt =
  | { came: "received"; file: ReceivedFile }
  | { came: "used" | "gone" | "full" }
  | Refusal;

/** A file that was uploaded, as calls of its owner use it. */
export interface UploadedFile {
  /** What it is called. */
  name: string;
  kind: UploadKind;
  path: string;
  sizeBytes: number;
}

/** Files that owners elsewhere send to addresses which they asked for. */
export class Uploads {
  readonly #options: UploadsOptions;
  readonly #sweeps: Rounds;

  constructor(options: UploadsOptions) {
    this.#options = options;
    this.#sweeps = new Rounds(options.clock, (error) =>
      options.log.error({ err: error }, "uploads were not swept"),
    );
  }

  /** Removes what is over, now and every hour. */
  async open(): Promise<void> {
    await this.#sweeps.every(SWEEP_MS, () => this.sweep());
  }

  close(): void {
    this.#sweeps.end();
  }

  /**
   * An address that takes one file of an owner.
   * @throws {configuration} when nobody elsewhere could reach it
   * @throws {rate_limited} when the owner has too many that are unused
   */
  async invite(
    owner: string,
    filename: string | undefined,
  ): Promise<{ uploadId: string; url: string; endsAt: number }> {
    const { record, clock, limits, base } = this.#options;
    const url = (await base()) + UPLOADS_PATH;
    const secret = randomToken();
    const now = clock.now();
    const invitation = {
      uploadId: randomToken(),
      owner,
      secretHash: hashOf(secret),
      filename,
      createdAt: now,
      endsAt: now + limits.minutes * MINUTE_MS,
    };
    if (await record.invite(invitation, MAX_UNUSED)) {
      return { uploadId: invitation.uploadId, url: url + secret, endsAt: invitation.endsAt };
    }
    throw new AppError(
      "rate_limited",
      `${MAX_UNUSED} upload addresses are open already, and none of them was used.`,
      { next: `Use one of these, or wait ${limits.minutes} minutes until they end.` },
    );
  }

  /** What an address is for; `undefined` for one that was never given, or is over. */
  async bySecret(secret: string): Promise<Upload | undefined> {
    const { record, clock, mayCall } = this.#options;
    const upload = TOKEN_PATTERN.test(secret) ? await record.bySecret(hashOf(secret)) : undefined;
    if (!upload || !(await mayCall(upload.owner))) return undefined;
    const endsAt = upload.received?.keptUntil ?? upload.endsAt;
    return endsAt > clock.now() ? upload : undefined;
  }

  /** The most bytes that a file may have, as far as its name says what it is. */
  mostBytes(filename: string | undefined): number {
    const { bytes, archiveBytes } = this.#options.limits;
    const mayBeArchive = filename === undefined || !/\.[a-z0-9]{1,8}$/i.test(filename);
    return mayBeArchive || /\.zip$/i.test(filename) ? Math.max(bytes, archiveBytes) : bytes;
  }

  /**
   * Takes a file, whole or not at all: of what is cut or refused nothing stays, and its address can
   * be used again.
   * @param announced how many bytes it says to have.
   * @throws {invalid_input} when it breaks off; {storage | rate_limited} when there is no room
   */
  async receive(
    { uploadId, owner, filename }: Upload,
    content: Readable,
    announced: number | undefined,
  ): Promise<Receipt> {
    const { folder, record, clock, limits, reached, checkRoom, mayCall } = this.#options;
    const named = this.mostBytes(filename);
    if (announced !== undefined && announced > named) return { came: "too_large", maxBytes: named };
    await checkRoom(owner, announced ?? 0);
    let refusal: Refusal | undefined;
    const judged = judgedContent(content, (kind) => {
      const maxBytes = Math.min(kind === "archive" ? limits.archiveBytes : limits.bytes, named);
      return { maxBytes, isTooLarge: (announced ?? 0) > maxBytes };
    });
    const written = await folder
      .write(Readable.from(judged.bytes, { objectMode: false }), () => {})
      .catch((error: unknown) => {
        refusal = judged.refusal();
        if (!refusal) throw error;
      });
    if (refusal || !written) return refusal ?? { came: "gone" };
    const type = judged.type();
    if (!type) {
      await folder.discard(written.path);
      return { came: "wrong_type", seems: "an empty file" };
    }
    const name = `${randomToken()}.${type.extension}`;
    const mostBytes = await checkRoom(owner, written.sizeBytes).catch(async (error: unknown) => {
      await folder.discard(written.path);
      throw error;
    });
    reached("before-upload");
    await folder.makeReady(written.path, name);
    reached("upload-ready");
    await folder.serve(name);
    await syncFolder(folder.path);
    reached("upload-placed");
    const now = clock.now();
    const file: ReceivedFile = {
      ...type,
      file: name,
      sizeBytes: written.sizeBytes,
      sha256: written.sha256,
      receivedAt: now,
      keptUntil: now + KEPT_DAYS * DAY_MS,
    };
    // Whoever was revoked while it came is as one that was revoked before.
    const isInvited = await mayCall(owner);
    const came = isInvited ? await record.receive(uploadId, file, mostBytes) : "gone";
    if (came !== "received") {
      await folder.remove(name);
      return { came };
    }
    reached("upload-noted");
    return { came, file };
  }

  /**
   * A file that an owner has uploaded.
   * @throws {not_found} when there is none, or none any more
   * @throws {invalid_input} for one that is something else than what is needed
   */
  async find(owner: string, uploadId: string, wanted: UploadKind): Promise<UploadedFile> {
    const { record, clock, folder } = this.#options;
    const upload = await record.get(owner, uploadId);
    const uri = uris.upload(uploadId);
    const { received } = upload ?? {};
    if (!upload || (received?.keptUntil ?? upload.endsAt) <= clock.now()) {
      throw new AppError("not_found", `${uri} does not exist, or not any more.`, {
        next: `\`upload_link\` takes the file again; uploads are kept for ${KEPT_DAYS} days. Nothing was sent.`,
      });
    }
    if (!received) {
      throw new AppError("invalid_input", `${uri} has not been uploaded yet.`, {
        next: "Send the file to the address that `upload_link` gave, then call again; nothing was sent.",
      });
    }
    if (received.kind !== wanted) {
      throw new AppError(
        "invalid_input",
        `${uri} is ${NOUNS[received.kind]}, not ${NOUNS[wanted]}.`,
        { next: "Name another file; nothing was sent." },
      );
    }
    const name = upload.filename ?? `${uploadId}.${received.extension}`;
    const { sizeBytes } = received;
    return { name, kind: received.kind, sizeBytes, path: join(folder.path, received.file) };
  }

  /** Removes what is over, and what no process finished. @throws {storage} */
  async sweep(): Promise<void> {
    const { folder, record, clock, isGone } = this.#options;
    await record.forgetEnded(clock.now());
    // Another process may have placed a file that it is about to note.
    await this.#removeUnknown();
    await folder.sweepStaging(isGone, clock.now(), DAY_MS);
  }

  async #removeUnknown(): Promise<void> {
    const { folder, record, clock } = this.#options;
    const found = await folder.list();
    const known = new Set(await record.files());
    for (const { name, writtenMs } of found) {
      if (!known.has(name) && clock.now() - writtenMs >= HOUR_MS) await folder.remove(name);
    }
  }
}

/** Removes all that an owner has uploaded. @throws {storage} */
export async function eraseUploads(
  { folder, record }: Pick<UploadsOptions, "folder" | "record">,
  owner: string,
): Promise<void> {
  for (const file of await record.forgetAll(owner)) await folder.remove(file);
}

const NOUNS: Readonly<Record<UploadKind, string>> = {
  picture: "a picture",
  archive: "a ZIP archive",
  text: "a text",
};

/** The name of a file that somebody told, without anything that could lead elsewhere. */
export function plainFilename(given: string): string | undefined {
  const name = oneLine(given.split(/[/\\]/).at(-1) ?? "", 200);
  return name === "" || /^\.+$/.test(name) ? undefined : name;
}

function hashOf(secret: string): string {
  return createHash("sha256").update(secret).digest("hex");
}
