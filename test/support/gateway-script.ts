import type { ServerResponse } from "node:http";
import { type Hit, json, type RawServer, rawServer } from "./raw-server.ts";

/** What a scripted gateway does with one request. */
export type Reply = (response: ServerResponse, hit: Hit) => unknown;

export interface Script {
  /** Answers to purchases, in order; the last one stays. */
  submit?: Reply[];
  /** Answers to looks, in order; the last one stays. */
  status?: Reply[];
  /** Answers to requests for files, in order; the last one stays. */
  media?: Reply[];
}

export interface ScriptedGateway extends RawServer {
  readonly posts: Hit[];
  readonly looks: Hit[];
  readonly fetches: Hit[];
}

export const REQUEST_ID = "longcat-image-498_019dabcd-0000-7000-8000-000000000000";

export const accepted: Reply = (response) =>
  json(response, 202, { request_id: REQUEST_ID, status: "QUEUED" });

export const says =
  (status: string, more: Record<string, unknown> = {}): Reply =>
  (response) =>
    json(response, 200, { request_id: REQUEST_ID, status, error: null, output: null, ...more });

export const http =
  (status: number, body: unknown = "", headers: Record<string, string> = {}): Reply =>
  (response) =>
    json(response, status, body, headers);

export const reset: Reply = (response) => response.socket?.resetAndDestroy();

export const file =
  (bytes: Buffer | string, type = "application/octet-stream"): Reply =>
  (response) => {
    response.writeHead(200, { "content-type": type, "content-length": Buffer.byteLength(bytes) });
    response.end(bytes);
  };

/** COMPLETED with files of the gateway's own, as many as are named. */
export const completed =
  (...names: string[]): Reply =>
  (response, hit) =>
    json(response, 200, {
      request_id: REQUEST_ID,
      status: "COMPLETED",
      output: { media_url: names.map((name) => `http://${hit.headers["host"]}/media/${name}`) },
    });

/** A gateway that answers each kind of request by its own list. */
export async function scriptedGateway(script: Script): Promise<ScriptedGateway> {
  const kindOf = (hit: Hit) => {
    if (hit.method === "POST") return "submit";
    return hit.path.startsWith("/media/") ? "media" : "status";
  };
  const left = {
    submit: [...(script.submit ?? [accepted])],
    status: [...(script.status ?? [says("PROCESSING")])],
    media: [...(script.media ?? [http(404)])],
  };
  const server = await rawServer((hit, response) => {
    const replies = left[kindOf(hit)];
    const reply = replies.length > 1 ? replies.shift() : replies[0];
    return reply?.(response, hit);
  });
  const only = (kind: string) => server.hits.filter((hit) => kindOf(hit) === kind);
  return {
    origin: server.origin,
    port: server.port,
    hits: server.hits,
    get connections() {
      return server.connections;
    },
    get posts() {
      return only("submit");
    },
    get looks() {
      return only("status");
    },
    get fetches() {
      return only("media");
    },
  };
}
