import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { picture } from "../test/support/pictures.ts";

const KEY_HEADER = "ocp-apim-subscription-key";
const JSON_TYPE = { "content-type": "application/json" };

/** A provider that takes everything and draws nothing. */
export interface ScaleGateway {
  origin: string;
  /** By request id: with whose keys it was looked at since that was last forgotten. */
  lookedBy: Map<string, Set<string>>;
  looks: number;
  purchases: number;
  /** What it says of every request. */
  status: "PROCESSING" | "COMPLETED";
  close(): void;
}

export async function startGateway(): Promise<ScaleGateway> {
  const file = await picture("png", { width: 64, height: 64 });
  const server = createServer((incoming, outgoing) => {
    const { method, url = "" } = incoming;
    const name = url.split("/").at(-1) ?? "";
    incoming.resume();
    if (url.startsWith("/media/")) {
      outgoing.writeHead(200, { "content-type": "image/png", "content-length": file.length });
      outgoing.end(file);
    } else if (method === "POST") {
      const request_id = `bench-${++gateway.purchases}`;
      outgoing.writeHead(202, JSON_TYPE).end(JSON.stringify({ request_id, status: "QUEUED" }));
    } else {
      gateway.looks++;
      const by = gateway.lookedBy.get(name) ?? new Set();
      gateway.lookedBy.set(name, by.add(String(incoming.headers[KEY_HEADER])));
      const { status, origin } = gateway;
      const output = status === "COMPLETED" ? { media_url: [`${origin}/media/${name}`] } : null;
      const answer = { request_id: name, status, error: null, output };
      outgoing.writeHead(200, JSON_TYPE).end(JSON.stringify(answer));
    }
  });
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  const { port } = server.address() as AddressInfo;
  const gateway: ScaleGateway = {
    origin: `http://127.0.0.1:${port}`,
    lookedBy: new Map(),
    ...{ looks: 0, purchases: 0, status: "PROCESSING" },
    close() {
      server.closeAllConnections();
      server.close();
    },
  };
  return gateway;
}
