import type { HttpBindings } from "@hono/node-server";
import type { Clock } from "../core/clock.ts";
import { toAppError } from "../core/errors.ts";
import { Guards } from "./http/guards.ts";
import { NO_FRONT } from "./http/in-front.ts";
import { listen } from "./http/listening.ts";
import { OpenAnswers } from "./http/open-answers.ts";
import { answerWithPages, type Pages } from "./http/page-answers.ts";
import { onceOver } from "./once-over.ts";

const HOST = "127.0.0.1";

export interface PagesOptions {
  /** 0 takes any free one. */
  port: number;
  clock: Clock;
  onError: (error: unknown) => void;
  /** Ends it once nothing was asked for so long, in milliseconds; never where absent. */
  idleMs?: number;
  /** Told when it has ended by itself. */
  onIdle?: () => void;
}

/**
 * Serves pages, and nothing else, to browsers on this machine.
 * @returns where, without a trailing slash, and a function that ends it.
 * @throws {configuration} when the port cannot be listened on
 */
export async function servePages(
  pages: Pages,
  { port, clock, onError, idleMs, onIdle }: PagesOptions,
): Promise<{ origin: string; close(): Promise<void> }> {
  const guards = new Guards(NO_FRONT, HOST);
  const open = new OpenAnswers(clock, onError);
  const answer = async ({ headers }: Request, bindings: HttpBindings): Promise<Response> => {
    const address = bindings.incoming.socket.remoteAddress ?? "";
    const arrival = { headers, address, isClosed: false };
    const refusal = guards.refusalOfPlace(arrival) ?? guards.refusalOfWay(arrival);
    if (refusal) return refusal;
    const around = { front: NO_FRONT, open, traffic: undefined };
    const answered = await answerWithPages(pages, bindings, headers, false, around);
    return answered ?? new Response("There is nothing here.\n", { status: 404 });
  };
  const { server, port: taken } = await listen(
    (request, bindings) =>
      answer(request, bindings).catch((error: unknown) => {
        onError(toAppError(error));
        return new Response("It cannot be answered at the moment.\n", { status: 503 });
      }),
    HOST,
    port,
  );
  let callOffIdle = () => {};
  const close = async () => {
    callOffIdle();
    open.close();
    const closed = new Promise((resolve) => server.close(resolve));
    server.closeAllConnections();
    await closed;
  };
  if (idleMs !== undefined) {
    let answers = 0;
    const wait = () => {
      callOffIdle();
      callOffIdle = clock.schedule(idleMs, () => {
        onIdle?.();
        void close();
      });
    };
    wait();
    server.on("request", (_, response) => {
      answers++;
      callOffIdle();
      onceOver(response, () => {
        answers--;
        if (answers === 0 && server.listening) wait();
      });
    });
  }
  return { origin: `http://${HOST}:${taken}`, close };
}
