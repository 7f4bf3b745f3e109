import type { IncomingMessage, ServerResponse } from "node:http";
import { parse } from "node:path";
import { Readable } from "node:stream";
import { toAppError } from "../core/errors.ts";
import { sendFile } from "../inputs/hosted-reply.ts";
import type { Medium } from "../jobs/job.ts";
import type { JobStore } from "../jobs/job-store.ts";
import { convertedBytes } from "../media/conversion.ts";
import { whileHeld } from "../media/held-file.ts";
import { type MediaStore, type MediumFacts, nameOf, readMedium } from "../media/media-store.ts";
import { asAttachment } from "./attachment.ts";
import type { DownloadLinks, LinkedFile } from "./download-links.ts";
import { harden } from "./hardened.ts";
import { etagOf, sendMedium } from "./send-medium.ts";

interface DownloadRouteOptions {
  links: DownloadLinks;
  store: Pick<JobStore, "get">;
  media: MediaStore;
}

/** How long somebody who was let in here has to begin with the file at its bucket. */
const LINK_SECONDS = 60;
const PLAIN = { "content-type": "text/plain; charset=utf-8" };
const NOT_NOW = "The file cannot be had at the moment: try again in a minute.\n";
const GONE = "There is nothing here, or not any more: ask for the file again.\n";

/** Gives finished files to whoever has a link to one. */
export class DownloadRoute {
  readonly #options: DownloadRouteOptions;

  constructor(options: DownloadRouteOptions) {
    this.#options = options;
  }

  async answer(request: IncomingMessage, response: ServerResponse, secret: string): Promise<void> {
    const { links, media } = this.#options;
    harden(response);
    const file = await links.read(secret);
    const medium = file && (await this.#find(file));
    let found: MediumFacts | undefined;
    try {
      found = medium && (await media.stat(file.owner, medium.path));
    } catch (error) {
      if (toAppError(error).code !== "storage") throw error;
      response.writeHead(503, { ...PLAIN, "retry-after": "10" }).end(NOT_NOW);
      return;
    }
    if (!file || !medium || !found) {
      response.writeHead(404, PLAIN).end(GONE);
      return;
    }
    const { owner, conversion } = file;
    const name = nameOf(medium.path);
    if (conversion) {
      // Not held any longer: whoever takes it slowly must not keep others waiting.
      const { bytes } = await whileHeld(found.sizeBytes, async () =>
        convertedBytes(await readMedium(media, owner, medium.path), conversion, name),
      );
      const { format } = conversion;
      const extension = format === "jpeg" ? "jpg" : format;
      response.setHeader("content-disposition", asAttachment(`${parse(name).name}.${extension}`));
      await sendFile(request, response, {
        sizeBytes: bytes.length,
        mimeType: `image/${format}`,
        etag: etagOf(`${medium.sha256} ${secret}`),
        read: ({ start, end }) => Readable.from([bytes.subarray(start, end + 1)]),
        close: async () => {},
      });
      return;
    }
    const address = await media.url(owner, medium.path, {
      seconds: LINK_SECONDS,
      mimeType: medium.mimeType,
      disposition: asAttachment(name),
      method: request.method === "HEAD" ? "HEAD" : "GET",
    });
    if (address === undefined) await sendMedium(request, response, media, owner, medium, true);
    else response.writeHead(302, { location: address, "cache-control": "no-store" }).end();
  }

  async #find({ owner, jobId, index }: LinkedFile): Promise<Medium | undefined> {
    const job = await this.#options.store.get(owner, jobId);
    return job?.media.find((medium) => medium.index === index);
  }
}
