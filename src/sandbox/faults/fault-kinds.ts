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
const after = z.int().min(0).optional();

/** What can go wrong, by what it happens to. Each kind is acted out where its group is. */
const GROUPS = {
  /** Of any request; another fault may strike after that. */
  delay: [
    z
      .object({ kind: z.literal("slow"), ms: z.number().min(0), ...conditions })
      .describe("the request is handled so many milliseconds later"),
  ],
  /** Of one request, whatever it asks for. */
  request: [
    z
      .object({
        kind: z.literal("status"),
        status: httpStatus,
        body: z.json().optional(),
        headers: z.record(z.string(), z.string()).optional(),
        ...conditions,
      })
      .describe(
        "answers with this HTTP code; nothing is accepted; a body that is a string is sent as HTML or plain text",
      ),
    z
      .object({ kind: z.literal("reset-before"), ...conditions })
      .describe("drops the connection before the request is accepted"),
    z
      .object({ kind: z.literal("reset-after"), ...conditions })
      .describe("accepts the request, then drops the connection without a reply"),
    z
      .object({ kind: z.literal("hang"), ...conditions })
      .describe("accepts the request and never replies"),
    z
      .object({ kind: z.literal("truncate"), ...conditions })
      .describe("accepts the request and cuts the reply in the middle"),
    z
      .object({ kind: z.literal("not-json"), ...conditions })
      .describe("accepts the request; the reply is 200 with an HTML page"),
    z
      .object({ kind: z.literal("empty-body"), ...conditions })
      .describe("accepts the request; the reply has no body"),
    z
      .object({
        kind: z.literal("redirect"),
        location: z.string(),
        status: z.int().min(300).max(399).optional(),
        ...conditions,
      })
      .describe("sends the caller elsewhere; nothing is accepted"),
  ],
  /** Of a queue job, fixed when it is accepted. */
  job: [
    z
      .object({ kind: z.literal("job-failed"), message: z.string().optional(), ...conditions })
      .describe("the job ends as FAILED"),
    z
      .object({ kind: z.literal("job-error"), message: z.string().optional(), ...conditions })
      .describe("the job ends as ERROR, a fault of the system that is not charged"),
    z
      .object({ kind: z.literal("job-stuck"), ...conditions })
      .describe("the job stays in PROCESSING for ever"),
    z
      .object({ kind: z.literal("empty-media"), ...conditions })
      .describe("the job is COMPLETED without a file"),
    z
      .object({ kind: z.literal("media-url"), urls: z.array(z.string()), ...conditions })
      .describe("the job is COMPLETED with these addresses in place of its own"),
    z
      .object({ kind: z.literal("status-goes-backwards"), ...conditions })
      .describe(
        "the status is PROCESSING and QUEUED by turns, and QUEUED once more when the job is already done",
      ),
    z
      .object({ kind: z.literal("unknown-status"), status: z.string().optional(), ...conditions })
      .describe("the status is this word in place of PROCESSING"),
  ],
  /** Of what is posted to a job's webhook, fixed when the job is accepted. */
  webhook: [
    z.object({ kind: z.literal("webhook-never"), ...conditions }).describe("nothing is posted"),
    z
      .object({ kind: z.literal("webhook-twice"), ...conditions })
      .describe("the same is posted twice"),
    z
      .object({ kind: z.literal("webhook-late"), ms: z.number().min(0), ...conditions })
      .describe("it is posted so many milliseconds after the job's end"),
    z
      .object({ kind: z.literal("webhook-early"), ...conditions })
      .describe("it is posted before the request is answered, when the job has not begun"),
    z
      .object({ kind: z.literal("webhook-out-of-order"), ...conditions })
      .describe("the end is posted first, then PROCESSING, then QUEUED"),
    z
      .object({ kind: z.literal("webhook-forged"), ...conditions })
      .describe(
        "before it, lies are posted: another request's end, a failure of this one, what is no JSON",
      ),
  ],
  /** Of a synchronous operation's answer. */
  sync: [
    z
      .object({ kind: z.literal("sync-queued"), ...conditions })
      .describe("answers as the queue operations do"),
    z
      .object({ kind: z.literal("sync-no-image"), ...conditions })
      .describe("answers 200 without a picture"),
  ],
  /** Of a streamed answer, after so many events (default 3). */
  stream: [
    z
      .object({ kind: z.literal("stream-cut"), after, ...conditions })
      .describe("drops the connection"),
    z
      .object({ kind: z.literal("stream-stall"), after, ...conditions })
      .describe("says nothing more and keeps the connection"),
    z
      .object({ kind: z.literal("stream-error"), after, ...conditions })
      .describe("sends an error in place of the rest"),
  ],
  /** Of one request for a finished file. */
  media: [
    z
      .object({ kind: z.literal("media-status"), status: httpStatus, ...conditions })
      .describe("answers with this HTTP code"),
    z
      .object({
        kind: z.literal("media-body"),
        body: z.string(),
        encoding: z.enum(["utf8", "base64"]).optional(),
        contentType: z.string().optional(),
        ...conditions,
      })
      .describe("serves something else, for instance an HTML page or an SVG"),
    z
      .object({ kind: z.literal("media-truncate"), ...conditions })
      .describe("breaks off in the middle of the file"),
  ],
} as const;

export const faultSchema = z.discriminatedUnion("kind", [
  ...GROUPS.delay,
  ...GROUPS.request,
  ...GROUPS.job,
  ...GROUPS.webhook,
  ...GROUPS.sync,
  ...GROUPS.stream,
  ...GROUPS.media,
]);

/** Something that goes wrong on purpose. */
export type Fault = z.infer<typeof faultSchema>;
export type FaultGroup = keyof typeof GROUPS;
export type FaultOf<G extends FaultGroup> = Extract<
  Fault,
  { kind: z.infer<(typeof GROUPS)[G][number]>["kind"] }
>;

/** The kinds of a group, in the order in which they are told. */
export function kindsOf(group: FaultGroup): Fault["kind"][] {
  return GROUPS[group].map(({ shape }) => shape.kind.value);
}

/** Every kind of fault: its group, what it does, and what can be said of it beside `match` and `times`. */
export function describedFaults() {
  const groups = Object.keys(GROUPS).filter((name): name is FaultGroup => name in GROUPS);
  return groups.flatMap((group) =>
    GROUPS[group].map(({ shape, description = "" }) => ({
      group,
      kind: shape.kind.value,
      what: description,
      options: Object.keys(shape).filter((name) => name !== "kind" && !(name in conditions)),
    })),
  );
}

export function isOf<G extends FaultGroup>(group: G, fault: Fault): fault is FaultOf<G> {
  return kindsOf(group).includes(fault.kind);
}
