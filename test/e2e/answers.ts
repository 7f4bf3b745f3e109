import type { McpClient, ToolResult } from "./mcp-client.ts";

/** The first text block of a result. */
export function textOf(result: ToolResult): string {
  return result.content.find((block) => block.type === "text")?.text ?? "";
}

export function jobIdOf(result: ToolResult): string {
  return /job_[a-z2-7]{26}/.exec(textOf(result))?.[0] ?? "";
}

/** Absolute paths of the files that a result names. */
export function pathsOf(result: ToolResult): string[] {
  return [...textOf(result).matchAll(/^\d+\. (\/.*)$/gm)].map((match) => match[1] ?? "");
}

/** URLs at which a result says the upstream served its files. */
export function urlsOf(result: ToolResult): string[] {
  return [...textOf(result).matchAll(/^ {3}(https?:.*)$/gm)].map((match) => match[1] ?? "");
}

/** Asks until a job has ended. */
export async function finished(client: McpClient, jobId: string): Promise<ToolResult> {
  for (;;) {
    const result = await client.call("job_status", { job_id: jobId, wait_seconds: 10 });
    if (!isUnderWay(result)) return result;
  }
}

/**
 * The result of a job, from the answer of the call that started it or from a later one: within the
 * seconds that a call waits, a busy machine may not draw all that is asked for.
 */
export async function atItsEnd(client: McpClient, answer: ToolResult): Promise<ToolResult> {
  return isUnderWay(answer) ? finished(client, jobIdOf(answer)) : answer;
}

function isUnderWay(answer: ToolResult): boolean {
  return / is (queued|submitting|running|downloading) for /.test(textOf(answer));
}
