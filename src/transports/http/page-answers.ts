import type { IncomingMessage, ServerResponse } from "node:http";
import type { HttpBindings } from "@hono/node-server";
import { RESPONSE_ALREADY_SENT } from "@hono/node-server/utils/response";
import type { Credential } from "../../access/authenticator.ts";
import type { Traffic } from "../traffic.ts";
import type { Front } from "./in-front.ts";
import type { OpenAnswers } from "./open-answers.ts";
import { senderOf } from "./sender.ts";

/** What people see in a browser, beside what programs ask. */
export interface Pages {
  /** @returns false where it has answered nothing: nothing is there for whoever asks. */
  answer(
    request: IncomingMessage,
    response: ServerResponse,
    arrival: { isClosed: boolean; isSecure: boolean; address: string },
    hands: {
      watch: (response: ServerResponse, credential: Credential) => void;
      isStream: (response: ServerResponse) => void;
    },
  ): Promise<boolean>;
}

/** Has pages answer a request that has passed all guards. @returns `undefined` where they did not. */
export async function answerWithPages(
  pages: Pages,
  { incoming, outgoing }: HttpBindings,
  headers: Headers,
  isClosed: boolean,
  { front, open, traffic }: { front: Front; open: OpenAnswers; traffic: Traffic | undefined },
): Promise<Response | undefined> {
  const address = incoming.socket.remoteAddress ?? "";
  const arrival = {
    isClosed,
    isSecure: front.isProxy(address) && cameByHttps(headers),
    address: senderOf(address, headers, front.isProxy),
  };
  const answered = await pages.answer(incoming, outgoing, arrival, {
    watch: (response, credential) => open.watch(response, credential),
    isStream: (response) => traffic?.isStream(response),
  });
  return answered ? RESPONSE_ALREADY_SENT : undefined;
}

/** What a proxy says whose word is taken. */
function cameByHttps(headers: Headers): boolean {
  const protocol = headers.get("x-forwarded-proto")?.split(",")[0]?.trim().toLowerCase();
  return (
    protocol === "https" || /(?:^|[;,\s])proto="?https\b/i.test(headers.get("forwarded") ?? "")
  );
}
