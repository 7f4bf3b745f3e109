import type { CallToolResult } from "@modelcontextprotocol/server";

/** The extension by which a call may be answered with a task that is asked for later. */
export const TASKS_EXTENSION = "io.modelcontextprotocol/tasks";

interface Common {
  taskId: string;
  statusMessage?: string;
  /** ISO 8601. */
  createdAt: string;
  lastUpdatedAt: string;
  /** Since its creation, in milliseconds; `null` where it is kept for ever. */
  ttlMs: number | null;
  pollIntervalMs?: number;
}

/** A task as it is told when it is asked for. */
export type Task = Common &
  (
    | { status: "working" | "cancelled" }
    | { status: "input_required"; inputRequests: Record<string, unknown> }
    /** With what the call would have been answered, an error of its tool included. */
    | { status: "completed"; result: CallToolResult }
    /** With the error that the protocol would have had for the call. */
    | { status: "failed"; error: { code: number; message: string } }
  );

/** What tasks a caller has; what is not theirs is not there. */
export interface TaskSource {
  /** @param requestId of the request that is answered with it */
  get(taskId: string, requestId: string | number): Promise<Task | undefined>;
  /** @returns whether there is such a task; whether it stops is seen when it is asked for. */
  cancel(taskId: string): Promise<boolean>;
  /** Takes answers to what a task has asked. @returns whether there is such a task. */
  update(taskId: string, responses: Readonly<Record<string, unknown>>): Promise<boolean>;
}

/**
 * A task as the answer to a call. The library knows answers of tools with content only, which is
 * taken out of it on its way: see {@link withoutContent}.
 */
export function asAnswer({ taskId, status, statusMessage, ...times }: Task): CallToolResult {
  const { createdAt, lastUpdatedAt, ttlMs, pollIntervalMs } = times;
  return {
    resultType: "task",
    taskId,
    status,
    ...(statusMessage !== undefined && { statusMessage }),
    createdAt,
    lastUpdatedAt,
    ttlMs,
    ...(pollIntervalMs !== undefined && { pollIntervalMs }),
    content: [],
  };
}

/** Whether an answer is a task. */
export function isTaskAnswer(result: Record<string, unknown>): boolean {
  return result["resultType"] === "task";
}

/** A task as the extension has it. */
export function withoutContent<R extends Record<string, unknown>>({ content: _, ...task }: R) {
  return task;
}
