import type { HttpBindings } from "@hono/node-server";
import type { Context } from "hono";
import type { Clock } from "../core/clock.ts";
import type { Archive } from "./archive.ts";
import type { Fault } from "./fault-schema.ts";
import type { FaultPlan, Occasion } from "./faults.ts";
import type { InputLoader } from "./inputs.ts";
import type { MediaShelf } from "./media.ts";
import type { Queue } from "./queue.ts";
import type { RecordedRequest, Recorder } from "./recorder.ts";
import { errorBody, type Shapes } from "./replies.ts";

/** All that the routes of one sandbox share. */
export interface SandboxContext {
  clock: Clock;
  speed: number;
  /** The only key that is accepted; any, where undefined. */
  apiKey: string | undefined;
  shapes: Shapes;
  /** Without a trailing slash; known once the server listens. */
  origin(): string;
  faults: FaultPlan;
  recorder: Recorder;
  queue: Queue;
  archive: Archive;
  inputs: InputLoader;
  media: MediaShelf;
  /** Aborts when the sandbox closes. */
  closing: AbortSignal;
}

/** What the intake hands to every route. */
export interface SandboxEnv {
  Bindings: HttpBindings;
  Variables: {
    record: RecordedRequest;
    /** The parsed JSON body, or undefined where it is not JSON. */
    body: unknown;
    occasion: Occasion;
    /** What the faults written into the prompt do after this request. */
    later: Occasion["own"];
    /** What shall go wrong with the reply: a streamed one sees to it itself. */
    spoil: Fault["kind"] | undefined;
  };
}

/** Answers with an error in the shape of the API that was called. */
export function refuse(
  c: Context<SandboxEnv>,
  status: 400 | 401 | 403 | 404 | 413 | 416,
  message: string,
): Response {
  return c.json(errorBody(c.req.path, status, message), status);
}

/** Whether the request carries a key that this sandbox accepts, in the gateway's own header. */
export function hasGatewayKey(c: Context<SandboxEnv>, apiKey: string | undefined): boolean {
  const key = c.req.header("Ocp-Apim-Subscription-Key")?.trim() ?? "";
  return key !== "" && (apiKey === undefined || key === apiKey);
}
