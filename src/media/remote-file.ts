import { isIP } from "node:net";
import type { Readable } from "node:stream";
import { canParseUrl } from "../core/can-parse-url.ts";
import { isLoopbackHost, isPublicAddress } from "../core/host-addresses.ts";
import type { HttpClient } from "../gateway/http-client.ts";
import { DownloadFailure } from "./download-failure.ts";
import type { Checkpoint } from "./partial-file.ts";

const MAX_REDIRECTS = 3;

export interface RemoteOptions {
  http: HttpClient;
  /** Origins of our own loopback bases; from nowhere else is http or a loopback address taken. */
  trustedOrigins: readonly string[];
  /** Breaks the download off. */
  signal?: AbortSignal | undefined;
}

export interface OpenedFile {
  body: Readable;
  /** Of the whole file. */
  length: number | undefined;
  etag: string | undefined;
  /** Where in the file the body begins. */
  startsAt: number;
}

/**
 * Asks for a file, or for the rest of it. Follows redirects on the same host only, and refuses
 * addresses for what they are.
 * @throws {DownloadFailure}
 */
export async function openRemote(
  url: URL,
  options: RemoteOptions,
  checkpoint: Checkpoint | undefined,
): Promise<OpenedFile> {
  let current = url;
  let rest = checkpoint;
  for (let redirects = 0; redirects <= MAX_REDIRECTS; redirects++) {
    const trusted = options.trustedOrigins.includes(current.origin);
    if (!trusted) checkAddress(current);
    const reply = await options.http.open(current, {
      headers: {
        "accept-encoding": "identity",
        ...(rest ? { range: `bytes=${rest.sizeBytes}-`, "if-range": rest.etag } : {}),
      },
      allowLoopback: trusted,
      signal: options.signal,
    });
    // An answer that is put aside may still break, which must not end the process.
    reply.body.on("error", () => undefined);
    if (rest && (reply.status === 416 || (reply.status === 206 && !continues(reply, rest)))) {
      // It cannot go on from there after all: from the beginning, at the same address.
      reply.body.destroy();
      rest = undefined;
      redirects--;
      continue;
    }
    if (reply.status >= 300 && reply.status < 400) {
      reply.body.destroy();
      const location = reply.headers["location"];
      const next =
        location && canParseUrl(location, current.href) ? new URL(location, current) : null;
      if (next?.host !== current.host || next.protocol !== current.protocol) {
        throw new DownloadFailure("refused", "the file's address redirects to another host");
      }
      current = next;
      continue;
    }
    if (reply.status !== 200 && !(rest && reply.status === 206)) {
      reply.body.destroy();
      const gone = [403, 404, 410].includes(reply.status);
      throw new DownloadFailure(gone ? "gone" : "transient", `HTTP ${reply.status}`);
    }
    if (reply.headers["content-encoding"] && reply.headers["content-encoding"] !== "identity") {
      reply.body.destroy();
      throw new DownloadFailure("unusable", "the file came compressed although it must not");
    }
    if (rest && reply.status === 206) {
      return { body: reply.body, length: rest.length, etag: rest.etag, startsAt: rest.sizeBytes };
    }
    const length = Number(reply.headers["content-length"] ?? Number.NaN);
    const etag = reply.headers["etag"];
    return {
      body: reply.body,
      length: Number.isSafeInteger(length) ? length : undefined,
      etag: etag?.startsWith('"') ? etag : undefined,
      startsAt: 0,
    };
  }
  throw new DownloadFailure("refused", "the file's address redirects in circles");
}

/** Whether a partial answer is the rest of the very file whose beginning is here. */
function continues(
  { headers }: { headers: Readonly<Record<string, string>> },
  rest: Checkpoint,
): boolean {
  const range = `bytes ${rest.sizeBytes}-${rest.length - 1}/${rest.length}`;
  return headers["content-range"] === range && (headers["etag"] ?? rest.etag) === rest.etag;
}

function checkAddress(url: URL): void {
  if (url.protocol !== "https:") {
    throw new DownloadFailure("refused", `${url.origin} is not an https address`);
  }
  const host = url.hostname.replace(/^\[|\]$/g, "");
  if (isLoopbackHost(host) || (isIP(host) !== 0 && !isPublicAddress(host))) {
    throw new DownloadFailure("refused", `${url.origin} is not a public address`);
  }
}
