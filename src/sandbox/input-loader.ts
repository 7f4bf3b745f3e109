import { Buffer } from "node:buffer";
import { canParseUrl } from "../core/can-parse-url.ts";
import { DECODING, MAX_PICTURE_PIXELS } from "../core/decoding.ts";
import { shortened } from "../core/text.ts";

/** A picture that a request refers to, made small enough to keep. */
export interface PictureInput {
  kind: "picture";
  /** WebP, no transparency, at most {@link KEPT_SIDE} pixels on its long side. */
  bytes: Buffer;
  /** As sent, before it was made smaller. */
  width: number;
  height: number;
  sizeBytes: number;
}

/** An address on the network, which the sandbox never touches: its host stands for the picture. */
export interface RemoteInput {
  kind: "remote";
  url: string;
  host: string;
  width: number;
  height: number;
  sizeBytes: 0;
}

export type Input = PictureInput | RemoteInput;
export type LoadedInputs = readonly Input[] | { problem: string };

/** What the loader asks of its surroundings. */
export interface InputSources {
  /** The file at a path of the sandbox itself. */
  ownFile(path: string): Promise<Buffer | undefined>;
  isOwn(url: URL): boolean;
  /** Ends downloads when the sandbox closes. */
  closing: AbortSignal;
}

const LARGEST_INPUT_BYTES = 64 * 1024 * 1024;
const KEPT_SIDE = 1600;
const REMOTE_SIDE = 1024;
const DOWNLOAD_TIMEOUT_MS = 10_000;

/** Fetches and decodes pictures from data URIs, loopback and the sandbox; nothing else. */
export class InputLoader {
  readonly #sources: InputSources;

  constructor(sources: InputSources) {
    this.#sources = sources;
  }

  /** Never rejects: what cannot be used is a `problem`, in words for the caller. */
  async pictures(addresses: readonly string[]): Promise<LoadedInputs> {
    const inputs: Input[] = [];
    for (const address of addresses) {
      const loaded = await this.#picture(address);
      if (!("kind" in loaded)) return loaded;
      inputs.push(loaded);
    }
    return inputs;
  }

  /** Looks whether a training archive within reach is one; it is not unpacked. */
  async archive(address: string): Promise<LoadedInputs> {
    const fetched = await this.#fetch(address);
    if ("problem" in fetched) return fetched;
    if ("bytes" in fetched && fetched.bytes.subarray(0, 2).toString("latin1") !== "PK")
      return { problem: `The training archive is not a ZIP file: ${shorten(address)}` };
    return [];
  }

  async #picture(address: string): Promise<Input | { problem: string }> {
    const fetched = await this.#fetch(address);
    if ("bytes" in fetched) return decode(fetched.bytes, address);
    if ("problem" in fetched) return fetched;
    const side = { width: REMOTE_SIDE, height: REMOTE_SIDE };
    return { kind: "remote", url: address, host: fetched.host, ...side, sizeBytes: 0 };
  }

  async #fetch(
    address: string,
  ): Promise<{ bytes: Buffer } | { host: string } | { problem: string }> {
    if (/^data:/i.test(address)) return dataUri(address);
    if (!canParseUrl(address)) return { problem: `Not an address: ${shorten(address)}` };
    const url = new URL(address);
    try {
      if (this.#sources.isOwn(url)) {
        const bytes = await this.#sources.ownFile(url.pathname);
        return bytes ? { bytes } : { problem: `Input not found: ${shorten(address)}` };
      }
      if (!isLoopback(url.hostname)) return { host: url.host };
      return await this.#download(url);
    } catch {
      return { problem: `Input could not be downloaded: ${shorten(address)}` };
    }
  }

  async #download(url: URL): Promise<{ bytes: Buffer } | { problem: string }> {
    const signal = AbortSignal.any([
      this.#sources.closing,
      AbortSignal.timeout(DOWNLOAD_TIMEOUT_MS),
    ]);
    const response = await fetch(url, { redirect: "error", signal });
    if (!response.ok || !response.body)
      return { problem: `Input could not be downloaded (HTTP ${response.status}): ${url.href}` };
    const chunks: Uint8Array[] = [];
    let size = 0;
    for await (const chunk of response.body) {
      size += chunk.length;
      if (size > LARGEST_INPUT_BYTES)
        return { problem: `Input larger than ${LARGEST_INPUT_BYTES} bytes: ${url.href}` };
      chunks.push(chunk);
    }
    return { bytes: Buffer.concat(chunks) };
  }
}

/** Whether a host name of a URL means this machine. */
export function isLoopback(hostname: string): boolean {
  return hostname === "localhost" || hostname === "[::1]" || /^127\.\d+\.\d+\.\d+$/.test(hostname);
}

function dataUri(address: string): { bytes: Buffer } | { problem: string } {
  const parts = /^data:[^,]*;base64,/i.exec(address);
  if (!parts) return { problem: "Input data URI is not of the form data:{type};base64,{data}" };
  const bytes = Buffer.from(address.slice(parts[0].length), "base64");
  if (bytes.length > LARGEST_INPUT_BYTES)
    return { problem: `Input larger than ${LARGEST_INPUT_BYTES} bytes` };
  return { bytes };
}

async function decode(bytes: Buffer, address: string): Promise<Input | { problem: string }> {
  try {
    const { default: sharp } = await import("sharp");
    const source = sharp(bytes, { limitInputPixels: MAX_PICTURE_PIXELS, failOn: "error" });
    const { format, autoOrient } = await source.metadata();
    // A vector file could make the renderer read other files.
    if (format === "svg") return { problem: `Input is not a picture: ${shorten(address)}` };
    const { width, height } = autoOrient;
    const kept = await DECODING.run(width * height * 3, () =>
      source
        .autoOrient()
        .flatten({ background: "#ffffff" })
        .toColourspace("srgb")
        .resize({ width: KEPT_SIDE, height: KEPT_SIDE, fit: "inside", withoutEnlargement: true })
        .webp({ quality: 92, effort: 1 })
        .toBuffer(),
    );
    return { kind: "picture", bytes: kept, width, height, sizeBytes: kept.length };
  } catch {
    return { problem: `Input is not a picture that can be decoded: ${shorten(address)}` };
  }
}

function shorten(address: string): string {
  return shortened(address, 120);
}
