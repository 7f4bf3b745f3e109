import type { HttpBindings } from "@hono/node-server";
import type { Clock } from "../core/clock.ts";
import type { Archive } from "./archive.ts";
import type { Shapes } from "./contract/replies.ts";
import type { Fault } from "./faults/fault-kinds.ts";
import type { FaultPlan, Occasion } from "./faults/plan.ts";
import type { InputLoader } from "./input-loader.ts";
import type { MediaShelf } from "./media-shelf.ts";
import type { Queue } from "./queue.ts";
import type { RecordedRequest, Recorder } from "./recorder.ts";

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
