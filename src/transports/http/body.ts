import type { IncomingMessage } from "node:http";
import { isJsonContentType } from "@modelcontextprotocol/server";
import { INVALID_PARAMS, NOT_TAKEN, PARSE_ERROR } from "../../core/json-rpc.ts";
import { Gathering } from "../gathering.ts";
import { MAX_MESSAGE_BYTES, type Refusal, readMessage, refused, tooLongWords } from "../message.ts";

/** A request's message, or what the request is answered instead. */
export type Body = { message: unknown } | { status: 200 | 400 | 413; refusal: Refusal };

/**
 * Reads the message of a request. The library itself would keep a second copy of the body, and put
 * its text together piece by piece.
 * @returns `undefined` for a request that brings none, as the library judges it.
 */
export async function readBody(request: IncomingMessage): Promise<Body | undefined> {
  if (request.method !== "POST" || !isJsonContentType(request.headers["content-type"] ?? null)) {
    return undefined;
  }
  const announced = Number(request.headers["content-length"]);
  const text = announced > MAX_MESSAGE_BYTES ? undefined : await textOf(request);
  if (text === undefined) {
    return { status: 413, refusal: refused(null, NOT_TAKEN, tooLongWords()) };
  }
  const read = readMessage(text);
  if (read === undefined) {
    const refusal = refused(null, PARSE_ERROR, "Parse error: the message is not valid JSON.");
    return { status: 400, refusal };
  }
  if (!("refusal" in read)) return read;
  // The one that is an answer: its request was understood.
  const status = read.refusal.error.code === INVALID_PARAMS ? 200 : 400;
  return { status, refusal: read.refusal };
}

/** The whole body; what has come of one that breaks off. @returns `undefined` if it is too long. */
function textOf(request: IncomingMessage): Promise<string | undefined> {
  const body = new Gathering(MAX_MESSAGE_BYTES);
  return new Promise((resolve) => {
    const onData = (piece: Buffer) => {
      if (body.add(piece)) return;
      settle(undefined);
    };
    const onEnd = () => settle(body.takeText());
    const settle = (text: string | undefined) => {
      request.off("data", onData).off("end", onEnd).off("close", onEnd);
      resolve(text);
    };
    request.on("data", onData).once("end", onEnd).once("close", onEnd);
  });
}
