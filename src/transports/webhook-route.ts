import type { IncomingMessage, ServerResponse } from "node:http";
import { WEBHOOK_PATH } from "../core/webhook-secret.ts";
import { Gathering } from "./gathering.ts";
import type { PublicRoute } from "./public-listener.ts";

const MAX_BYTES = 64 * 1024;
/** So much of what is too long is still read: whoever is cut while sending never sees the answer. */
const MAX_DISCARDED_BYTES = 1024 * 1024;

/** Deals with what was called at an address, by its end and its body; that is `undefined` if it is no JSON. */
export type HearWebhook = (secret: string, body: unknown) => Promise<void>;

/**
 * Where the provider calls. Every call is answered alike, so that nobody learns from an answer which
 * addresses there are.
 * @param onError hears why a call came to nothing.
 */
export function webhookRoute(hear: HearWebhook, onError: (error: unknown) => void): PublicRoute {
  return {
    prefix: WEBHOOK_PATH,
    methods: ["POST"],
    takesBody: true,
    async answer(request, response, secret) {
      const text = await textOf(request);
      if (text === undefined) return answer(response, 413);
      // What is to be remembered is on disk before the caller hears that it was heard.
      await hear(secret, parsed(text)).catch(onError);
      answer(response, 202);
    },
  };
}

/** @returns `undefined` for a body that is too long; one that breaks off is never answered. */
function textOf(request: IncomingMessage): Promise<string | undefined> {
  const body = new Gathering(MAX_BYTES);
  let sizeBytes = 0;
  return new Promise((resolve, reject) => {
    request.on("data", (piece: Buffer) => {
      sizeBytes += piece.length;
      if (sizeBytes <= MAX_BYTES) body.add(piece);
      else if (sizeBytes > MAX_DISCARDED_BYTES) resolve(undefined);
    });
    request.once("end", () => resolve(sizeBytes > MAX_BYTES ? undefined : body.takeText()));
    request.once("error", reject);
  });
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function answer(response: ServerResponse, status: number): void {
  if (status === 413) response.setHeader("connection", "close");
  response.writeHead(status, { "content-length": "0" }).end();
}
