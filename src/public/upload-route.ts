import type { IncomingMessage, ServerResponse } from "node:http";
import type { Clock } from "../core/clock.ts";
import { type ErrorCode, toAppError } from "../core/errors.ts";
import { byteCount } from "../core/text.ts";
import { uris } from "../core/uris.ts";
import type { Upload } from "../inputs/upload-record.ts";
import type { Receipt, Uploads } from "../inputs/uploads.ts";
import { harden, pagePolicy } from "./hardened.ts";
import { PAGE_FILES, uploadPage } from "./upload-page.ts";

interface UploadRouteOptions {
  uploads: Uploads;
  clock: Clock;
}

/** How many files are taken at a time, from all, and for one address. */
const MAX_AT_ONCE = 64;
const MAX_FOR_ONE = 4;
/** So much of what is refused is read all the same. */
const MAX_DISCARDED_BYTES = 64 * 1024 * 1024;
const RETRY_SECONDS = "5";
const WANTED = "Pictures, ZIP archives and text in UTF-8 are taken.";
const GONE = "There is nothing here, or not any more: ask for another upload address.";
const USED = "A file was sent to this address already: it takes one.";
const FULL = "There is no room for it.";
/** Nobody sends a form there: a file comes from the page's own script. */
const POLICY = pagePolicy({ forms: false });
const STATUS: Partial<Record<ErrorCode, number>> = { rate_limited: 429, storage: 507 };

/** Takes a file by PUT, and shows a page for people who have nothing that could send one. */
export class UploadRoute {
  readonly #options: UploadRouteOptions;
  /** Files that are coming, by upload. */
  readonly #coming = new Map<string, number>();

  constructor(options: UploadRouteOptions) {
    this.#options = options;
  }

  async answer(request: IncomingMessage, response: ServerResponse, rest: string): Promise<void> {
    harden(response, POLICY);
    const file = PAGE_FILES[rest];
    if (file && request.method !== "PUT") {
      response.writeHead(200, { "content-type": file.mimeType }).end(file.text);
      return;
    }
    const upload = await this.#options.uploads.bySecret(rest);
    if (!upload) return refuse(response, 404, GONE);
    if (request.method === "PUT") return this.#take(request, response, upload);
    const html = uploadPage(upload, this.#options.uploads.mostBytes(upload.filename));
    response.writeHead(200, { "content-type": "text/html; charset=utf-8" }).end(html);
  }

  async #take(request: IncomingMessage, response: ServerResponse, upload: Upload): Promise<void> {
    const { uploads } = this.#options;
    if (upload.received) return refuse(response, 409, USED);
    const { headers } = request;
    if (/^multipart\//i.test(headers["content-type"] ?? "")) {
      return refuse(response, 415, "Send the file's own bytes, not a form: curl -T FILE.");
    }
    if (headers["content-encoding"] !== undefined || headers["content-range"] !== undefined) {
      return refuse(response, 415, "Send the whole file as it is, not packed and not in parts.");
    }
    const length = headers["content-length"];
    const announced = length === undefined ? undefined : Number(length);
    const most = uploads.mostBytes(upload.filename);
    if (announced !== undefined && announced > most) {
      return refuse(response, 413, `At most ${byteCount(most)} are taken here.`);
    }
    const { uploadId } = upload;
    const own = this.#coming.get(uploadId) ?? 0;
    const all = [...this.#coming.values()].reduce((sum, one) => sum + one, 0);
    if (own >= MAX_FOR_ONE || all >= MAX_AT_ONCE) {
      response.setHeader("retry-after", RETRY_SECONDS);
      return refuse(response, 429, "Too many files are coming at the moment; try again soon.");
    }
    this.#coming.set(uploadId, own + 1);
    const { clock } = this.#options;
    const callOff = clock.schedule(upload.endsAt - clock.now(), () => request.destroy());
    try {
      if (isWaiting(request)) response.writeContinue();
      const receipt = await uploads.receive(upload, request, announced);
      answerReceipt(response, upload, receipt);
    } catch (thrown) {
      if (request.destroyed && !request.complete) return;
      const error = toAppError(thrown);
      const status = STATUS[error.code];
      if (status === undefined) throw thrown;
      if (status === 429) response.setHeader("retry-after", RETRY_SECONDS);
      // Paths of this machine are nobody's business here.
      refuse(response, status, status === 507 ? FULL : error.message);
    } finally {
      callOff();
      const left = (this.#coming.get(uploadId) ?? 1) - 1;
      if (left > 0) this.#coming.set(uploadId, left);
      else this.#coming.delete(uploadId);
    }
  }
}

function answerReceipt(response: ServerResponse, { uploadId }: Upload, receipt: Receipt): void {
  if (receipt.came === "received") {
    const { sizeBytes, mimeType } = receipt.file;
    response.writeHead(201, { "content-type": "text/plain; charset=utf-8" });
    response.end(
      `Received: ${byteCount(sizeBytes)}, ${mimeType}. It is ${uris.upload(uploadId)}\n`,
    );
    return;
  }
  const [status, why] = refusalOf(receipt);
  refuse(response, status, why);
}

function refusalOf(receipt: Exclude<Receipt, { came: "received" }>): [number, string] {
  switch (receipt.came) {
    case "used":
      return [409, USED];
    case "gone":
      return [404, GONE];
    case "full":
      return [507, FULL];
    case "too_large":
      return [413, `At most ${byteCount(receipt.maxBytes)} are taken of this.`];
    case "wrong_type":
      return [415, `This is ${receipt.seems}. ${WANTED}`];
  }
}

/**
 * The address can be used again. The answer is given at once, but the connection ends only after what
 * is coming, or much of it: whoever is cut while sending, as browsers, never sees the answer.
 */
function refuse(response: ServerResponse, status: number, why: string): void {
  const text = Buffer.from(`${why}\n`);
  response.setHeader("connection", "close");
  response.setHeader("content-length", text.length);
  response.writeHead(status, { "content-type": "text/plain; charset=utf-8" }).write(text);
  const request = response.req;
  let leftBytes = MAX_DISCARDED_BYTES;
  const end = () => {
    response.end();
  };
  if (request.complete || request.destroyed || isWaiting(request)) {
    end();
    return;
  }
  request.once("end", end).once("close", end);
  request.on("data", (piece: Buffer) => {
    leftBytes -= piece.length;
    if (leftBytes < 0) end();
  });
}

/** Whether a body comes only once it is asked for. */
function isWaiting({ headers }: IncomingMessage): boolean {
  return /^100-continue$/i.test(headers.expect ?? "");
}
