import type { Question } from "./question.ts";

interface ErrorRule {
  /** Whether the same call can succeed later without anyone changing anything. */
  retryable: boolean;
  /** Who can do something about it. */
  actor: "assistant" | "user" | "provider" | "developer";
  /** What to do next, in one sentence for an assistant or a person. */
  next: string;
}

/** Every code this program can answer with. Tool texts and the documentation both read this table. */
export const ERROR_RULES = {
  invalid_input: {
    retryable: false,
    actor: "assistant",
    next: "Correct the arguments and call again; nothing was sent.",
  },
  configuration: {
    retryable: false,
    actor: "user",
    next: "Ask the user to change the setting named above and to restart the server.",
  },
  unauthorized: {
    retryable: false,
    actor: "user",
    next: "Ask the user to check the API key; `longcat-mcp doctor` shows which one is set.",
  },
  forbidden: {
    retryable: false,
    actor: "user",
    next: "The key may not do this; ask the user to check the subscription at the provider.",
  },
  insufficient_credit: {
    retryable: false,
    actor: "user",
    next: "Ask the user to top up the account at the provider, then call again.",
  },
  over_budget: {
    retryable: false,
    actor: "user",
    next: "Ask the user, whose limit it is; nothing was sent.",
  },
  rate_limited: {
    retryable: true,
    actor: "assistant",
    next: "Wait a few minutes, then call again.",
  },
  content_rejected: {
    retryable: false,
    actor: "assistant",
    next: "Reword the prompt or use another picture, then call again.",
  },
  upstream_rejected: {
    retryable: false,
    actor: "assistant",
    next: "Change what the provider's words above complain of, then call again.",
  },
  upstream_unavailable: {
    retryable: true,
    actor: "provider",
    next: "The provider has a problem; call again in a few minutes.",
  },
  bad_upstream_reply: {
    retryable: false,
    actor: "provider",
    next: "The provider's answer could not be used; call again later, and tell the user if it stays so.",
  },
  outcome_unknown: {
    retryable: false,
    actor: "user",
    next: "The request may have been accepted and charged. It is never sent again by itself; ask the user to look into the provider's console before it is started again.",
  },
  timeout: {
    retryable: true,
    actor: "assistant",
    next: "Ask again with `job_status`.",
  },
  cancelled: {
    retryable: true,
    actor: "assistant",
    next: "Call again if it is still wanted.",
  },
  not_found: {
    retryable: false,
    actor: "assistant",
    next: "Check the id; `job_list` shows the ones that exist.",
  },
  media_expired: {
    retryable: false,
    actor: "assistant",
    next: "The provider no longer serves the file. Another one has to be bought: ask the user first.",
  },
  storage: {
    retryable: false,
    actor: "user",
    next: "Ask the user to free space or to repair the folder named above; nothing is bought while results cannot be stored.",
  },
  internal: {
    retryable: false,
    actor: "developer",
    next: "This is a defect of longcat-mcp; tell the user that the log on stderr has the details.",
  },
} as const satisfies Record<string, ErrorRule>;

export type ErrorCode = keyof typeof ERROR_RULES;

export interface AppErrorOptions {
  cause?: unknown;
  /** Overrides the code's general advice. */
  next?: string;
  /** How long the provider asked us to wait, in milliseconds. */
  retryAfterMs?: number;
  /** What the user may be asked, whose accept would let the same call go on. */
  question?: Question | undefined;
}

/** The only error this program throws on purpose. */
export class AppError extends Error {
  override readonly name = "AppError";
  readonly code: ErrorCode;
  readonly next: string;
  readonly retryAfterMs: number | undefined;
  readonly question: Question | undefined;

  constructor(code: ErrorCode, message: string, options: AppErrorOptions = {}) {
    super(message, { cause: options.cause });
    this.code = code;
    this.next = options.next ?? ERROR_RULES[code].next;
    this.retryAfterMs = options.retryAfterMs;
    this.question = options.question;
  }

  get retryable(): boolean {
    return ERROR_RULES[this.code].retryable;
  }
}

/** Anything thrown, as an AppError; what was not thrown on purpose becomes `internal`. */
export function toAppError(error: unknown): AppError {
  if (error instanceof AppError) return error;
  return new AppError("internal", "Something went wrong inside longcat-mcp.", { cause: error });
}

/** What the sandbox only imitates: nobody has an account there, and nothing to look into. */
const IMITATED: readonly ErrorCode[] = [
  "unauthorized",
  "forbidden",
  "insufficient_credit",
  "outcome_unknown",
  "media_expired",
];

/** What to do after an error that no job carries. */
export function nextAfter({ code, next }: AppError, sandbox: boolean): string {
  return sandbox && IMITATED.includes(code)
    ? "The sandbox imitates this failure; call again."
    : next;
}
