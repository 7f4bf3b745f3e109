import { type McpServer, ResourceTemplate } from "@modelcontextprotocol/server";
import type { Caller } from "../core/caller.ts";
import { Lazy } from "../core/lazy.ts";
import { URI_TEMPLATES, VIEWER_URI } from "../core/uris.ts";
import { mayRead } from "../tools/scopes.ts";
import type { ToolDeps } from "../tools/services.ts";

/**
 * Jobs, their files and previews, threads, and the model cards, as MCP resources. What reads them
 * is loaded when one is asked for.
 */
export function registerResources(server: McpServer, deps: ToolDeps, caller: Caller): void {
  const reader = new Lazy(async () => {
    const { ResourceReader } = await import("./resource-reader.ts");
    return new ResourceReader(deps, caller);
  });
  const complete = {
    job_id: async (prefix: string) => begunBy(prefix, await (await reader.get()).jobIds()),
    index: async (prefix: string, context?: { arguments?: Record<string, string> }) => {
      const jobId = context?.arguments?.["job_id"];
      return begunBy(prefix, await (await reader.get()).indexesOf(jobId));
    },
  };

  server.registerResource(
    "viewer",
    VIEWER_URI,
    {
      title: "Viewer",
      description: "The page on which hosts with MCP Apps show pictures",
      mimeType: "text/html;profile=mcp-app",
    },
    async () => (await import("./viewer-page.ts")).viewerPage(),
  );

  const job = server.registerResource(
    "job",
    new ResourceTemplate(URI_TEMPLATES.job, {
      list: async () => ({ resources: await (await reader.get()).listJobs() }),
      complete: { job_id: complete.job_id },
    }),
    { title: "Job", description: "State, cost and files of a job", mimeType: "application/json" },
    async (uri, { job_id }) => (await reader.get()).job(uri, job_id),
  );

  const media = server.registerResource(
    "media",
    new ResourceTemplate(URI_TEMPLATES.medium, {
      list: async () => ({ resources: await (await reader.get()).listMedia() }),
      complete,
    }),
    { title: "Finished file", description: "A finished file's own bytes" },
    async (uri, { job_id, index }) => (await reader.get()).medium(uri, job_id, index),
  );

  const preview = server.registerResource(
    "preview",
    new ResourceTemplate(URI_TEMPLATES.preview, { list: undefined, complete }),
    { title: "Preview", description: "A picture with a long side of at most 1,024 px" },
    async (uri, { job_id, index }) => (await reader.get()).preview(uri, job_id, index),
  );

  const thread = server.registerResource(
    "thread",
    new ResourceTemplate(URI_TEMPLATES.thread, {
      list: async () => ({ resources: await (await reader.get()).listThreads() }),
      complete: {
        thread_id: async (prefix) => begunBy(prefix, await (await reader.get()).threadIds()),
      },
    }),
    {
      title: "Thread",
      description: "A conversation with the delegate, its reasoning included",
      mimeType: "text/markdown",
    },
    async (uri, { thread_id }) => (await reader.get()).thread(uri, thread_id),
  );

  const model = server.registerResource(
    "model",
    new ResourceTemplate(URI_TEMPLATES.model, {
      list: async () => ({ resources: (await reader.get()).listModels() }),
      complete: {
        operation: async (prefix) => begunBy(prefix, (await reader.get()).operations()),
      },
    }),
    {
      title: "Model card",
      description: "An operation's arguments, price and source",
      mimeType: "application/json",
    },
    async (uri, { operation }) => (await reader.get()).model(uri, operation),
  );
  const all = { job, media, preview, thread, model };
  for (const [name, one] of Object.entries(all)) if (!mayRead(caller, name)) one.remove();
}

function begunBy(prefix: string, names: readonly string[]): string[] {
  return names.filter((name) => name.startsWith(prefix));
}
