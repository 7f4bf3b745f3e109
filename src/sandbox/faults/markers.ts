import { AppError } from "../../core/errors.ts";
import { type Fault, type FaultGroup, faultSchema, isOf, kindsOf } from "./fault-kinds.ts";

/** What a request can act out: a queued or synchronous operation, a whole or streamed answer. */
export type Stage = "queued" | "sync" | "chat" | "stream";

const ACTED_OUT: Readonly<Record<Stage, readonly FaultGroup[]>> = {
  queued: ["request", "delay", "job", "webhook", "media"],
  sync: ["request", "delay", "sync", "media"],
  chat: ["request", "delay"],
  stream: ["request", "delay", "stream"],
};

/** The later requests of a job that a marker can strike instead, by the word behind `on=`. */
const LATER = {
  poll: { path: "/v2/requests/status/", stages: ["queued"] },
  media: { path: "/output", stages: ["queued", "sync"] },
} as const satisfies Record<string, { path: string; stages: readonly Stage[] }>;

export interface Marker {
  /** As it stands in the prompt. */
  text: string;
  fault: Fault;
  /** Which of the job's later requests it strikes, if not this one. */
  on: keyof typeof LATER | undefined;
}

/**
 * Faults written into a prompt, so that a person can try them without another connection:
 * `[[fault:job-failed]]`, `[[fault:status=502]]`, with options behind semicolons:
 *
 * - `times=2`: strikes the first two requests with this very prompt; always, unless told.
 * - `on=poll` or `on=media`: strikes the status or the file requests of the job instead.
 * - `retry-after=3` and `body=…` for `status`, `type=image/svg+xml` for `media-body`.
 *
 * The value behind `=` is the code of `status` and `media-status`, the milliseconds of `slow` and
 * `webhook-late`, the events before `stream-cut`, `stream-stall` and `stream-error`,
 * the message of `job-failed` and `job-error`, the word of `unknown-status`, the address of
 * `redirect`, the addresses of `media-url` (split by commas), the content of `media-body`.
 *
 * @throws {invalid_input} where a marker is not a fault, or none that the stage can act out.
 */
export function readMarkers(prompt: string, stage: Stage | undefined): Marker[] {
  const markers = [...prompt.matchAll(/\[\[fault:([^\]]{1,500})\]\]/g)].map(([text, inner = ""]) =>
    readMarker(text, inner),
  );
  if (stage === undefined) return markers;
  // What is made to answer as the queue does is a job of the queue from then on.
  const stages: Stage[] = markers.some(({ fault }) => fault.kind === "sync-queued")
    ? [stage, "queued"]
    : [stage];
  for (const marker of markers) checkStage(marker, stages);
  return markers;
}

function readMarker(text: string, inner: string): Marker {
  const [head = "", ...rest] = inner.split(";");
  const [kind = "", value] = splitOnce(head);
  const options: Options = Object.fromEntries(rest.map(splitOnce));
  const on = options.on === "poll" || options.on === "media" ? options.on : undefined;
  const known = KINDS.find((one) => one === kind);
  const parsed = faultSchema.safeParse({
    kind,
    times: Number(options.times ?? 0),
    ...(on && { match: { path: LATER[on].path } }),
    ...(known && VALUES[known](value, options)),
  });
  if (!parsed.success || options.on !== on)
    throw new AppError("invalid_input", `"${text}" in the prompt is not a fault.`);
  return { text, fault: parsed.data, on };
}

function checkStage({ text, fault, on }: Marker, stages: readonly Stage[]): void {
  const groups = stages.flatMap((stage) => ACTED_OUT[stage]);
  const isPossible =
    on === undefined
      ? groups.some((group) => isOf(group, fault))
      : (isOf("request", fault) || isOf("delay", fault)) &&
        LATER[on].stages.some((stage) => stages.includes(stage));
  if (isPossible) return;
  const possible = [...new Set(groups)].flatMap(kindsOf).join(", ");
  throw new AppError(
    "invalid_input",
    `"${text}" in the prompt cannot happen to this request. What can: ${possible}.`,
  );
}

type Options = Partial<Record<string, string>>;

const nothing = () => ({});
const message = (value: string | undefined) => ({ message: value });
const code = (value: string | undefined) => ({ status: Number(value) });
const milliseconds = (value: string | undefined) => ({ ms: Number(value) });
const eventsBefore = (value: string | undefined) => ({
  after: value === undefined ? undefined : Number(value),
});

/** What the value and the options of a marker mean, by its kind. */
const VALUES: Readonly<
  Record<Fault["kind"], (value: string | undefined, options: Options) => object>
> = {
  slow: milliseconds,
  status: (value, { body, "retry-after": retryAfter }) => ({
    status: Number(value),
    body,
    ...(retryAfter !== undefined && { headers: { "Retry-After": retryAfter } }),
  }),
  "reset-before": nothing,
  "reset-after": nothing,
  hang: nothing,
  truncate: nothing,
  "not-json": nothing,
  "empty-body": nothing,
  redirect: (value) => ({ location: value }),
  "job-failed": message,
  "job-error": message,
  "job-stuck": nothing,
  "empty-media": nothing,
  "media-url": (value) => ({ urls: value?.split(",") }),
  "status-goes-backwards": nothing,
  "unknown-status": (value) => ({ status: value }),
  "webhook-never": nothing,
  "webhook-twice": nothing,
  "webhook-late": milliseconds,
  "webhook-early": nothing,
  "webhook-out-of-order": nothing,
  "webhook-forged": nothing,
  "sync-queued": nothing,
  "sync-no-image": nothing,
  "stream-cut": eventsBefore,
  "stream-stall": eventsBefore,
  "stream-error": eventsBefore,
  "media-status": code,
  "media-body": (value, { type }) => ({
    body: value ?? "<!doctype html><p>Not a picture.</p>",
    contentType: type,
  }),
  "media-truncate": nothing,
};

const KINDS = (["request", "delay", "job", "webhook", "sync", "stream", "media"] as const).flatMap(
  kindsOf,
);

function splitOnce(text: string): [string, string | undefined] {
  const at = text.indexOf("=");
  return at < 0 ? [text.trim(), undefined] : [text.slice(0, at).trim(), text.slice(at + 1)];
}
