import { serveStdio } from "@modelcontextprotocol/server/stdio";
import { onAbort } from "../core/aborting.ts";
import type { Clock } from "../core/clock.ts";
import type { Log } from "../core/log.ts";
import { requestContext } from "../core/log-context.ts";
import { LOCAL_CALLER } from "../core/owner.ts";
import type { ServerFactory } from "../server.ts";
import { type StdioStreams, StdioTransport } from "./stdio-transport.ts";

/** How long a client that has ended its input is still answered. */
const LAST_ANSWERS_MS = 10_000;

export interface StdioOptions extends Omit<StdioStreams, "onClosed" | "around" | "markOf"> {
  clock: Clock;
  log: Log;
  /** Aborts when the server is asked to end: what waits is answered at once. */
  stopping?: AbortSignal;
  /** Called when the client is gone and what it asked before has been answered. */
  onEnd: () => void;
  onError: (error: Error) => void;
}

export interface StdioServing {
  /** Once nothing is left to be answered. */
  answered(): Promise<void>;
  close(): Promise<void>;
}

/** Serves one client on stdin and stdout, of any protocol revision. */
export function serveOnStdio(factory: ServerFactory, options: StdioOptions): StdioServing {
  const { stdin, stdout, heard, clock, log, onFirstAnswer, onEnd } = options;
  const transport = new StdioTransport({
    stdin,
    stdout,
    heard,
    markOf: factory.markOf(LOCAL_CALLER),
    around: (message, run) => log.within(requestContext(message, LOCAL_CALLER.owner), run),
    onFirstAnswer,
    onClosed: onEnd,
  });
  const leaving = new AbortController();
  onAbort(options.stopping, () => leaving.abort());
  const handle = serveStdio(
    ({ era }) =>
      factory.create({
        caller: LOCAL_CALLER,
        era,
        lasting: true,
        leaving: leaving.signal,
        onDelivered: (requestId, run) => transport.onSent(requestId, run),
      }),
    { transport, onerror: options.onError },
  );
  stdin.once("end", () => {
    transport.endInput();
    leaving.abort();
    clock.schedule(LAST_ANSWERS_MS, onEnd);
    transport.onIdle(() => stdout.write("", () => onEnd()));
  });
  stdin.once("close", () => {
    if (!stdin.readableEnded) onEnd();
  });
  stdin.once("error", onEnd);
  return {
    answered: () =>
      new Promise((resolve) => {
        transport.onIdle(() => stdout.write("", () => resolve()));
      }),
    close: () => handle.close(),
  };
}
