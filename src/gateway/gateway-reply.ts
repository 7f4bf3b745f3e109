import * as z from "zod";
import { canParseUrl } from "../core/can-parse-url.ts";
import { isRedacted, type Redact, redactValue } from "../core/redact.ts";
import { oneLine } from "../core/text.ts";

/*
 * Readers for everything the gateway answers with. They ask for what is needed, take it in every
 * documented shape, and ignore the rest; a field of the wrong type counts as absent.
 */

/** Longer ones are taken by no server. */
const MAX_ADDRESS_CHARACTERS = 16_384;

const text = z.string().optional().catch(undefined);
const number = z.number().optional().catch(undefined);
const textOrTexts = z
  .union([z.string().transform((one) => [one]), z.array(z.unknown())])
  .optional()
  .catch(undefined);

const chatContent = z.looseObject({ image: text }).optional().catch(undefined);
const choice = z
  .looseObject({
    message: z
      .looseObject({ content: z.array(chatContent).optional().catch(undefined) })
      .optional()
      .catch(undefined),
  })
  .optional()
  .catch(undefined);

const replySchema = z.looseObject({
  request_id: text,
  status: text,
  status_code: number,
  code: text,
  message: text,
  model_id: text,
  error: z.unknown().optional(),
  output: z
    .looseObject({
      media_url: textOrTexts,
      choices: z.array(choice).optional().catch(undefined),
    })
    .nullish()
    .catch(undefined),
  images: z
    .array(z.looseObject({ url: text }).optional().catch(undefined))
    .optional()
    .catch(undefined),
  result_url: text,
  progress: number,
  success: z.boolean().optional().catch(undefined),
});

type Reply = z.output<typeof replySchema>;

export const REQUEST_STATUSES = ["queued", "processing", "completed", "failed", "error"] as const;
export type RequestStatus = (typeof REQUEST_STATUSES)[number];

/** What any answer of the gateway says, in one form. */
export interface GatewayReply {
  requestId: string | undefined;
  modelId: string | undefined;
  /** One of the documented statuses; `processing` for a value nobody documented. */
  status: RequestStatus | undefined;
  /** The status as it was written. */
  rawStatus: string | undefined;
  /** http(s) URLs of the finished files, in order. */
  mediaUrls: string[];
  /** From 0 to 1; the older status endpoint only. */
  progress: number | undefined;
  /** `status_code` repeated in the body of a synchronous answer. */
  statusCode: number | undefined;
  /** `success: false`, or an `error` field with content. */
  reportsFailure: boolean;
}

/** Parses an answer's text. @returns `undefined` when it is not a JSON object. */
export function readReply(body: string): GatewayReply | undefined {
  const parsed = replySchema.safeParse(parseJson(body));
  if (!parsed.success) return undefined;
  const reply = parsed.data;
  return {
    requestId: reply.request_id,
    modelId: reply.model_id,
    status: reply.status === undefined ? undefined : readStatus(reply.status),
    rawStatus: reply.status,
    mediaUrls: mediaUrls(reply),
    progress: reply.progress,
    statusCode: reply.status_code,
    reportsFailure: reply.success === false || isPresent(reply.error),
  };
}

/**
 * An answer's text without our keys. It is taken apart first, so that a key is found however the
 * sender has escaped it; a plain look at the text spares that where there is none.
 */
export function redactBody(body: string, redact: Redact): string {
  const redacted = redact(body);
  if (redacted === body) return body;
  const json = parseJson(body);
  return json === undefined ? redacted : JSON.stringify(redactValue(json, redact));
}

/** @returns `undefined` when the text is not JSON. */
export function parseJson(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch {
    return undefined;
  }
}

function readStatus(raw: string): RequestStatus {
  const status = raw.trim().toLowerCase();
  return REQUEST_STATUSES.find((known) => known === status) ?? "processing";
}

/** The two synchronous operations document two shapes; either may come from either. */
function mediaUrls(reply: Reply): string[] {
  const candidates: unknown[][] = [
    (reply.output?.choices ?? []).flatMap((one) =>
      (one?.message?.content ?? []).map((part) => part?.image),
    ),
    (reply.images ?? []).map((image) => image?.url),
    reply.output?.media_url ?? [],
    [reply.result_url],
  ];
  const found = candidates.map((urls) => urls.flatMap(addressOf)).find((urls) => urls.length > 0);
  return [...new Set(found ?? [])];
}

/** An address in the form in which it is used, so that what is shown is what is fetched. */
function addressOf(value: unknown): string[] {
  if (typeof value !== "string" || value.length > MAX_ADDRESS_CHARACTERS) return [];
  if (!/^https?:\/\//i.test(value)) return [];
  // With a key taken out it is no address any more, but what is left of it says what has come.
  if (isRedacted(value)) return [oneLine(value)];
  return canParseUrl(value) ? [new URL(value).href] : [];
}

function isPresent(error: unknown): boolean {
  return error !== undefined && error !== null && error !== "" && error !== false;
}
