import { STATUS_CODES } from "node:http";
import type { SandboxJob } from "../archive.ts";
import { phaseAt, progressAt } from "../queue.ts";

export interface Shapes {
  /** `output.media_type` tells the real type instead of `application/octet-stream`. */
  trueMediaType?: boolean;
  /** The synchronous edit answers in its short form. */
  shortEditReply?: boolean;
  /** The synchronous generation answers in the form of the edit. */
  chatStyleGenerateReply?: boolean;
}

const LEGACY_SENTENCES: Readonly<Record<number, string>> = {
  400: "Invalid request parameters",
  401: "Invalid or missing authentication",
  403: "Access denied for this operation",
  404: "Endpoint not found",
  429: "Rate limit exceeded, please retry later",
  500: "An unexpected error occurred, please try again later",
};
const CHAT_CODES: Readonly<Record<number, { type: string; code: string }>> = {
  400: { type: "invalid_request_error", code: "invalid_parameter" },
  401: { type: "authentication_error", code: "invalid_api_key" },
  403: { type: "permission_error", code: "insufficient_quota" },
  429: { type: "rate_limit_error", code: "rate_limit_exceeded" },
};

export const LEGACY_PATH = "/longcat-image-request-result";

/** The body of an error in the shape of the API that the path belongs to. */
export function errorBody(path: string, status: number, message?: string): object {
  if (path.startsWith(LEGACY_PATH))
    return { error: LEGACY_SENTENCES[status] ?? STATUS_CODES[status] ?? "Error" };
  const reason = STATUS_CODES[status] ?? "Error";
  if (/^\/(openai|anthropic)\//i.test(path)) {
    const { type, code } = CHAT_CODES[status] ?? { type: "server_error", code: "internal_error" };
    return { error: { message: message ?? reason, type, code } };
  }
  if (status === 402)
    return {
      error: "Insufficient Balance",
      message: "Your wallet does not have enough balance.",
    };
  return { error: reason, message: message ?? `The sandbox answered ${status}.` };
}

export function statusUrl(origin: string, requestId: string): string {
  return `${origin}/v2/requests/status/${requestId}`;
}

/** What a submit is answered with. */
export function acceptedBody(origin: string, requestId: string): object {
  return {
    request_id: requestId,
    status: "QUEUED",
    polling_url: statusUrl(origin, requestId),
  };
}

export interface Standing {
  status: string;
  error: string | null;
  /** Addresses of the files, or null where there are none to tell yet. */
  mediaUrls: readonly string[] | null;
}

/** Where a job stands now, its faults included; waits for its inputs if it is due. */
export async function standingOf(job: SandboxJob, now: number, origin: string): Promise<Standing> {
  const { twist, schedule } = job;
  const phase = phaseAt(schedule, now);
  const running = (status: string): Standing => ({ status, error: null, mediaUrls: null });
  if (phase === "QUEUED") return running("QUEUED");
  job.polls += 1;
  if (phase === "PROCESSING") return running(twist.running?.(job.polls) ?? "PROCESSING");
  if (twist.relapses && !job.relapsed) {
    job.relapsed = true;
    return running("QUEUED");
  }
  if (twist.end) return { ...twist.end, mediaUrls: null };
  const inputs = await job.inputs;
  if ("problem" in inputs) return { status: "FAILED", error: inputs.problem, mediaUrls: null };
  const mediaUrls = twist.mediaUrls ?? job.files.map(({ path }) => origin + path);
  return { status: "COMPLETED", error: null, mediaUrls };
}

/** The body of the status operation, and of a callback. */
export function statusBody(
  job: SandboxJob,
  standing: Standing,
  options: { now: number; trueMediaType: boolean },
): object {
  const { status, error, mediaUrls } = standing;
  const { acceptedAt, startsAt, endsAt } = job.schedule;
  const head = {
    request_id: job.requestId,
    status,
    model_id: job.modelId,
    error,
    output: mediaUrls && {
      media_url: mediaUrls,
      media_type: options.trueMediaType
        ? (job.files[0]?.contentType ?? "application/octet-stream")
        : "application/octet-stream",
    },
  };
  // The documented body of ERROR carries no dates.
  if (status === "ERROR") return head;
  const ended = status === "COMPLETED" || status === "FAILED";
  const started = options.now >= startsAt ? startsAt : acceptedAt;
  return {
    ...head,
    created_at: iso(acceptedAt),
    updated_at: iso(ended ? endsAt : started),
    completed_at: ended ? iso(endsAt) : null,
  };
}

/** The body of the older LongCat status operation. */
export function legacyBody(job: SandboxJob, standing: Standing, now: number): object {
  const { acceptedAt, endsAt } = job.schedule;
  const { status, error, mediaUrls } = standing;
  if (error !== null) return { status: "failed", request_id: job.requestId, error };
  if (status === "COMPLETED")
    return legacyCompleted({
      requestId: job.requestId,
      resultUrl: mediaUrls?.[0],
      createdAt: acceptedAt,
      durationMs: endsAt - acceptedAt,
    });
  const progress = Math.round(progressAt(job.schedule, now) * 100) / 100;
  return { status: "processing", progress: Math.min(progress, 0.99), request_id: job.requestId };
}

export function legacyCompleted(result: {
  requestId: string;
  resultUrl: string | undefined;
  createdAt: number;
  durationMs: number;
}): object {
  return {
    status: "completed",
    progress: 1.0,
    request_id: result.requestId,
    result_url: result.resultUrl,
    created_at: iso(result.createdAt).replace(/\.\d+Z$/, "Z"),
    duration_seconds: result.durationMs / 1000,
    model_version: "longcat-v1.2",
  };
}

/** The synchronous edit's answer, long or short. */
export function editBody(
  reply: { requestId: string; imageUrls: readonly string[]; width: number; height: number },
  short: boolean,
): object {
  const { requestId, imageUrls, width, height } = reply;
  const content = imageUrls.map((image) => ({ image }));
  if (short)
    return {
      status_code: 200,
      request_id: requestId,
      output: { choices: [{ message: { content } }] },
    };
  return {
    status_code: 200,
    request_id: requestId,
    code: "",
    message: "",
    output: {
      text: null,
      finish_reason: null,
      choices: [{ finish_reason: "stop", message: { role: "assistant", content } }],
    },
    usage: { input_tokens: 0, output_tokens: 0, width, image_count: imageUrls.length, height },
  };
}

/** The synchronous generation's answer. */
export function generateBody(imageUrls: readonly string[]): object {
  return {
    images: imageUrls.map((url) => ({
      file_name: "qwen-image-output.png",
      content_type: "image/png",
      url,
    })),
    description: "",
  };
}

function iso(at: number): string {
  return new Date(at).toISOString();
}
