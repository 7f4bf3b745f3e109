import type { FaultOf } from "./fault-kinds.ts";

/** How a job departs from its way through the queue; empty for one that does not. */
export interface Twist {
  /** Never ends. */
  stuck?: boolean;
  uncharged?: boolean;
  /** The status it is reported with while it runs. @param polls how often it was asked for. */
  running?(polls: number): string;
  /** Reported as queued once more when it has already ended. */
  relapses?: boolean;
  /** The way it ends, in place of COMPLETED. */
  end?: { status: "FAILED" | "ERROR"; error: string };
  /** In place of the addresses of its files. */
  mediaUrls?: readonly string[];
}

/** What a fault of a job does to it. */
export function twistOf(fault: FaultOf<"job">): Twist {
  switch (fault.kind) {
    case "job-failed": {
      const error = fault.message ?? "The model could not finish this request.";
      return { end: { status: "FAILED", error } };
    }
    case "job-error": {
      const error = fault.message ?? "The model worker stopped unexpectedly.";
      return { uncharged: true, end: { status: "ERROR", error } };
    }
    case "job-stuck":
      return { stuck: true };
    case "empty-media":
      return { mediaUrls: [] };
    case "media-url":
      return { mediaUrls: fault.urls };
    case "status-goes-backwards":
      return {
        running: (polls) => (polls % 2 === 0 ? "QUEUED" : "PROCESSING"),
        relapses: true,
      };
    case "unknown-status":
      return { running: () => fault.status ?? "THINKING" };
  }
}
