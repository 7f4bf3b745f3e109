import * as z from "zod";

const conditions = {
  match: z
    .object({
      /** Part of the path. */
      path: z.string().optional(),
      method: z.string().optional(),
      /** Part of the prompt; for status and media requests, of their job's prompt. */
      prompt: z.string().optional(),
    })
    .optional(),
  /** How often it strikes: once unless told; 0 and Infinity mean always. */
  times: z.union([z.int().min(0), z.literal(Number.POSITIVE_INFINITY)]).optional(),
};

const httpStatus = z.int().min(200).max(599);

/** Faults of one request, whatever it asks for. */
const requestFaults = [
  /** Answers with this HTTP code; nothing is accepted. A string is sent as HTML or plain text. */
  z.object({
    kind: z.literal("status"),
    status: httpStatus,
    body: z.json().optional(),
    headers: z.record(z.string(), z.string()).optional(),
    ...conditions,
  }),
  /** Drops the connection before the request is accepted. */
  z.object({ kind: z.literal("reset-before"), ...conditions }),
  /** Accepts the request, then drops the connection without a reply. */
  z.object({ kind: z.literal("reset-after"), ...conditions }),
  /** Accepts the request and never replies. */
  z.object({ kind: z.literal("hang"), ...conditions }),
  /** Accepts the request and cuts the reply in the middle. */
  z.object({ kind: z.literal("truncate"), ...conditions }),
  /** Accepts the request; the reply is 200 with an HTML page. */
  z.object({ kind: z.literal("not-json"), ...conditions }),
  /** Accepts the request; the reply has no body. */
  z.object({ kind: z.literal("empty-body"), ...conditions }),
  /** Sends the caller elsewhere; nothing is accepted. */
  z.object({
    kind: z.literal("redirect"),
    location: z.string(),
    status: z.int().min(300).max(399).optional(),
    ...conditions,
  }),
  /** Handles the request this many milliseconds later. */
  z.object({ kind: z.literal("slow"), ms: z.number().min(0), ...conditions }),
] as const;

/** Faults of a queue job, fixed when it is accepted. */
const jobFaults = [
  z.object({ kind: z.literal("job-failed"), message: z.string().optional(), ...conditions }),
  /** As `job-failed`, but a fault of the system, which is not charged. */
  z.object({ kind: z.literal("job-error"), message: z.string().optional(), ...conditions }),
  /** Stays in PROCESSING for ever. */
  z.object({ kind: z.literal("job-stuck"), ...conditions }),
  /** COMPLETED without a file. */
  z.object({ kind: z.literal("empty-media"), ...conditions }),
  /** COMPLETED with these addresses in place of its own. */
  z.object({ kind: z.literal("media-url"), urls: z.array(z.string()), ...conditions }),
  /** PROCESSING and QUEUED by turns, and QUEUED once more when it is already done. */
  z.object({ kind: z.literal("status-goes-backwards"), ...conditions }),
  /** This word in place of PROCESSING. */
  z.object({ kind: z.literal("unknown-status"), status: z.string().optional(), ...conditions }),
] as const;

/** Faults of a synchronous operation's answer. */
const syncFaults = [
  /** Answers as the queue operations do. */
  z.object({ kind: z.literal("sync-queued"), ...conditions }),
  /** Answers 200 without a picture. */
  z.object({ kind: z.literal("sync-no-image"), ...conditions }),
] as const;

/** Faults of a streamed answer, after so many events (default 3). */
const after = z.int().min(0).optional();
const streamFaults = [
  /** Drops the connection. */
  z.object({ kind: z.literal("stream-cut"), after, ...conditions }),
  /** Says nothing more and keeps the connection. */
  z.object({ kind: z.literal("stream-stall"), after, ...conditions }),
  /** Sends an error in place of the rest. */
  z.object({ kind: z.literal("stream-error"), after, ...conditions }),
] as const;

/** Faults of one request for a finished file. */
const mediaFaults = [
  z.object({ kind: z.literal("media-status"), status: httpStatus, ...conditions }),
  /** Serves something else, for instance an HTML page or an SVG. */
  z.object({
    kind: z.literal("media-body"),
    body: z.string(),
    encoding: z.enum(["utf8", "base64"]).optional(),
    contentType: z.string().optional(),
    ...conditions,
  }),
  /** Breaks off in the middle of the file. */
  z.object({ kind: z.literal("media-truncate"), ...conditions }),
] as const;

export const faultSchema = z.discriminatedUnion("kind", [
  ...requestFaults,
  ...jobFaults,
  ...syncFaults,
  ...streamFaults,
  ...mediaFaults,
]);

/** Something that goes wrong on purpose. */
export type Fault = z.infer<typeof faultSchema>;

export const REQUEST_FAULTS = [
  "status",
  "reset-before",
  "reset-after",
  "hang",
  "truncate",
  "not-json",
  "empty-body",
  "redirect",
  "slow",
] as const satisfies Fault["kind"][];
export const JOB_FAULTS = [
  "job-failed",
  "job-error",
  "job-stuck",
  "empty-media",
  "media-url",
  "status-goes-backwards",
  "unknown-status",
] as const satisfies Fault["kind"][];
export const SYNC_FAULTS = ["sync-queued", "sync-no-image"] as const satisfies Fault["kind"][];
export const STREAM_FAULTS = [
  "stream-cut",
  "stream-stall",
  "stream-error",
] as const satisfies Fault["kind"][];
export const MEDIA_FAULTS = [
  "media-status",
  "media-body",
  "media-truncate",
] as const satisfies Fault["kind"][];
