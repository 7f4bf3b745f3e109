import { once } from "node:events";
import { createServer, request as forwarded, type ServerResponse } from "node:http";
import { text } from "node:stream/consumers";

/** How a bucket fails: with an answer of its server's, by saying nothing, or because it is full. */
export const BUCKET_FAULTS = ["500", "503", "hangs", "full"] as const;
/** Those that may pass by themselves, and keys that are refused from some moment on, or may only read. */
export type BucketFault = (typeof BUCKET_FAULTS)[number] | "refused" | "denied";

/** Between a program and its bucket: what goes wrong between them goes wrong here. */
export interface BucketProxy {
  /** As LONGCAT_MCP_MEDIA_URL names the bucket behind it. */
  mediaUrl: string;
  /** From now on it fails so, or not at all. Whoever was not answered until then is hung up on. */
  fail(fault?: BucketFault): void;
  /** How many requests have failed since that was last said. */
  failures(): number;
  close(): Promise<void>;
}

const ANSWERS: Readonly<Record<Exclude<BucketFault, "hangs">, readonly [number, string]>> = {
  "500": [500, "InternalError"],
  "503": [503, "SlowDown"],
  full: [507, "QuotaExceeded"],
  refused: [403, "SignatureDoesNotMatch"],
  denied: [403, "AccessDenied"],
};
/** With these it is asked and read as ever. */
const READABLE: readonly BucketFault[] = ["full", "denied"];
const WRITING = ["PUT", "POST"];

/** @param mediaUrl of the real bucket; who signs for the proxy's address is believed there. */
export async function bucketProxyTo(mediaUrl: string): Promise<BucketProxy> {
  const through = new URL(mediaUrl);
  const target = new URL(through.searchParams.get("endpoint") ?? "");
  const hanging = new Set<ServerResponse>();
  let fault: BucketFault | undefined;
  let failures = 0;

  const server = createServer((incoming, outgoing) => {
    const { method = "GET", url: path, rawHeaders: headers } = incoming;
    outgoing.on("error", () => undefined);
    if (fault && (!READABLE.includes(fault) || WRITING.includes(method))) {
      failures++;
      if (fault === "hangs") {
        hanging.add(outgoing);
        incoming.resume();
        return;
      }
      const [status, code] = ANSWERS[fault];
      // As servers do that judge what they have read.
      void text(incoming)
        .catch(() => undefined)
        .then(() => {
          outgoing.writeHead(status, { "content-type": "application/xml" });
          outgoing.end(method === "HEAD" ? undefined : `<Error><Code>${code}</Code></Error>`);
        });
      return;
    }
    const { hostname, port } = target;
    const behind = forwarded({ hostname, port, method, path, headers, setHost: false });
    behind.on("response", (answer) => {
      outgoing.writeHead(answer.statusCode ?? 502, answer.rawHeaders);
      answer.pipe(outgoing);
    });
    behind.on("error", () => outgoing.destroy());
    outgoing.on("close", () => behind.destroy());
    incoming.pipe(behind);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  const port = typeof address === "object" && address ? address.port : 0;
  through.searchParams.set("endpoint", `http://127.0.0.1:${port}`);
  return {
    mediaUrl: through.href,
    fail(next) {
      fault = next;
      failures = 0;
      for (const one of hanging) one.destroy();
      hanging.clear();
    },
    failures: () => failures,
    async close() {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}
