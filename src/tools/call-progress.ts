import type { ServerContext } from "@modelcontextprotocol/server";
import type { Call } from "./services.ts";

/**
 * Progress for a client that asked for it; the number only ever grows, below the total where there
 * is one.
 */
export function progressOf(context: ServerContext): Call["progress"] {
  const progressToken = context.mcpReq._meta?.progressToken;
  if (progressToken === undefined) return () => {};
  let last = 0;
  return (message, of) => {
    // Two changes may come at one moment: the second is a little further all the same.
    const total = of && of.total > last ? of.total : undefined;
    last =
      of && total !== undefined ? Math.max(of.progress, last + (total - last) / 1000) : last + 1;
    const params = { progressToken, progress: last, ...(total && { total }), message };
    void context.mcpReq.notify({ method: "notifications/progress", params }).catch(() => undefined);
  };
}
