import { createHmac, timingSafeEqual } from "node:crypto";
import { type Clock, HOUR_MS } from "../core/clock.ts";
import type { AppError } from "../core/errors.ts";
import { TOKEN } from "../core/id-patterns.ts";
import type { Conversion } from "../media/conversion.ts";
import { FORMATS } from "../media/conversion.ts";

/** Where finished files are found below a public address. */
export const DOWNLOADS_PATH = "/media/";

/** 128 bits, as base64url. */
const MAC_CHARACTERS = 22;
const JOB_PREFIX = "job_";
const SECRET = new RegExp(
  `^(${TOKEN})\\.([1-9]\\d{0,3})\\.([0-9a-z]{1,7})(?:\\.(${FORMATS.join("|")})(?:-s(\\d{1,5}))?(?:-q(\\d{1,3}))?)?\\.([\\w-]{${MAC_CHARACTERS}})$`,
);

/** A finished file behind an address that anybody may fetch it from, for a while. */
export interface LinkedFile {
  owner: string;
  jobId: string;
  index: number;
  /** What it is made into on its way, if it is. */
  conversion?: Conversion | undefined;
}

/** Makes addresses of finished files, or says why there are none. */
export type LinkMaker =
  | { addressOf(file: LinkedFile): string; until: number }
  | { refusal: AppError };

export interface DownloadLinksOptions {
  /** A secret that all processes on the same record share. */
  key: Buffer;
  hours: number;
  clock: Clock;
  /** Where the public port is found, without a trailing slash. @throws {configuration} */
  base(): Promise<string>;
  /** Whose a job is; `undefined` when there is none, or nobody may have its files any more. */
  ownerOf(jobId: string): Promise<string | undefined>;
}

/**
 * Links that are nowhere kept: each says what it is for and until when, and is signed for its
 * owner. So it is the same for an hour, works in all processes of a data folder and after a
 * restart, and ends with its job.
 */
export class DownloadLinks {
  readonly #options: DownloadLinksOptions;

  constructor(options: DownloadLinksOptions) {
    this.#options = options;
  }

  /** @param toAppError what is made of whatever stands in the way. */
  async maker(toAppError: (error: unknown) => AppError): Promise<LinkMaker> {
    const { clock, hours, base } = this.#options;
    const hour = Math.ceil(clock.now() / HOUR_MS) + hours;
    try {
      const url = (await base()) + DOWNLOADS_PATH;
      return {
        addressOf: (file) => url + this.#secretOf(file, hour),
        until: hour * HOUR_MS,
      };
    } catch (error) {
      return { refusal: toAppError(error) };
    }
  }

  /** @returns `undefined` for what was never made here, or has ended. */
  async read(secret: string): Promise<LinkedFile | undefined> {
    const [, token, index, hour, format, side, quality] = SECRET.exec(secret) ?? [];
    if (token === undefined) return undefined;
    const jobId = JOB_PREFIX + token;
    const until = Number.parseInt(hour ?? "", 36);
    if (until * HOUR_MS <= this.#options.clock.now()) return undefined;
    const owner = await this.#options.ownerOf(jobId);
    if (owner === undefined) return undefined;
    const wanted = FORMATS.find((one) => one === format);
    const file: LinkedFile = {
      ...{ owner, jobId, index: Number(index) },
      conversion: wanted && {
        format: wanted,
        maxSide: side === undefined ? undefined : Number(side),
        quality: quality === undefined ? undefined : Number(quality),
      },
    };
    const expected = Buffer.from(this.#secretOf(file, until));
    const given = Buffer.from(secret);
    const isOurs = expected.length === given.length && timingSafeEqual(expected, given);
    return isOurs ? file : undefined;
  }

  #secretOf({ owner, jobId, index, conversion }: LinkedFile, hour: number): string {
    const said = [
      jobId.slice(JOB_PREFIX.length),
      String(index),
      hour.toString(36),
      ...(conversion ? [conversionText(conversion)] : []),
    ].join(".");
    const mac = createHmac("sha256", this.#options.key).update(`${owner} ${said}`).digest();
    return `${said}.${mac.toString("base64url").slice(0, MAC_CHARACTERS)}`;
  }
}

function conversionText({ format, maxSide, quality }: Conversion): string {
  const side = maxSide === undefined ? "" : `-s${maxSide}`;
  return format + side + (quality === undefined ? "" : `-q${quality}`);
}
