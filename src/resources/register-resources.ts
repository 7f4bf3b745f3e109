import {
  type McpServer,
  ProtocolError,
  ProtocolErrorCode,
  ResourceNotFoundError,
  ResourceTemplate,
} from "@modelcontextprotocol/server";
import { threadPage } from "../chat/thread-page.ts";
import { toAppError } from "../core/errors.ts";
import { message, oneLine, visibleJson } from "../core/text.ts";
import { URI_TEMPLATES, uris } from "../core/uris.ts";
import type { Job, Medium } from "../jobs/job.ts";
import { viewJob } from "../jobs/view.ts";
import { type MediaStore, nameOf, pictureSource, readMedium } from "../media/media-store.ts";
import { makePreview, PREVIEW_BUDGET_BASE64 } from "../media/preview.ts";
import { OPERATIONS, operationNamed } from "../models/catalogue.ts";
import { advertisedSchema } from "../tools/advertised-schema.ts";
import { viewModel } from "../tools/models-tool.ts";
import type { ToolDeps } from "../tools/services.ts";

const NEWEST = 100;
/** Clients on stdio drop the connection at 10 MiB; base64 makes 4 bytes of 3. */
const MAX_BLOB_BYTES = 7 * 1024 * 1024;

/** Jobs, their files and previews, threads, and the model cards, as MCP resources. */
export function registerResources(server: McpServer, deps: ToolDeps, owner: string): void {
  const newest = async () => {
    const { jobs } = await deps.services.get();
    return (await jobs.list({ owner, limit: NEWEST })).jobs;
  };
  const findJob = async (uri: URL, jobId: string | string[] | undefined) => {
    const { jobs } = await deps.services.get();
    try {
      return await jobs.get(owner, String(jobId));
    } catch (error) {
      throw asProtocolError(error, uri);
    }
  };
  const complete = {
    job_id: async (prefix: string) =>
      (await newest()).map((job) => job.jobId).filter((jobId) => jobId.startsWith(prefix)),
    index: async (prefix: string, context?: { arguments?: Record<string, string> }) => {
      const jobId = context?.arguments?.["job_id"];
      const job = (await newest()).find((one) => one.jobId === jobId);
      return (job?.media ?? [])
        .map(({ index }) => String(index))
        .filter((n) => n.startsWith(prefix));
    },
  };

  server.registerResource(
    "job",
    new ResourceTemplate(URI_TEMPLATES.job, {
      list: async () => ({
        resources: (await newest()).map((job) => ({
          uri: uris.job(job.jobId),
          name: job.jobId,
          description: `${job.operation}, ${job.state}`,
          mimeType: "application/json",
        })),
      }),
      complete: { job_id: complete.job_id },
    }),
    { title: "Job", description: "State, cost and files of a job", mimeType: "application/json" },
    async (uri, { job_id }) => jsonContents(uri, viewJob(await findJob(uri, job_id))),
  );

  server.registerResource(
    "media",
    new ResourceTemplate(URI_TEMPLATES.medium, {
      list: async () => ({
        resources: (await newest())
          .flatMap((job) => job.media.map(mediumEntry(job)))
          .slice(0, NEWEST),
      }),
      complete,
    }),
    { title: "Finished file", description: "A finished file's own bytes" },
    async (uri, { job_id, index }) => {
      const medium = findMedium(uri, await findJob(uri, job_id), index);
      if (medium.sizeBytes > MAX_BLOB_BYTES) {
        throw new ProtocolError(
          ProtocolErrorCode.InvalidParams,
          `The file is too large to be read here (${medium.sizeBytes} bytes). It is at ${oneLine(medium.path)} and was served at ${oneLine(medium.url)}`,
        );
      }
      return blobContents(uri, medium.mimeType, await readBytes(deps, owner, medium));
    },
  );

  server.registerResource(
    "preview",
    new ResourceTemplate(URI_TEMPLATES.preview, { list: undefined, complete }),
    { title: "Preview", description: "A picture with a long side of at most 1,024 px" },
    async (uri, { job_id, index }) => {
      const medium = findMedium(uri, await findJob(uri, job_id), index);
      const { media } = await deps.services.get();
      const preview = await previewOf(media, owner, medium);
      if (preview) return blobContents(uri, preview.mimeType, preview.data);
      throw new ProtocolError(
        ProtocolErrorCode.InvalidParams,
        `${oneLine(medium.path)} cannot be shown as a picture.`,
      );
    },
  );

  registerThreads(server, deps, owner);

  server.registerResource(
    "model",
    new ResourceTemplate(URI_TEMPLATES.model, {
      list: async () => ({
        resources: OPERATIONS.map((operation) => ({
          uri: uris.model(operation.name),
          name: operation.name,
          description: operation.title,
          mimeType: "application/json",
        })),
      }),
      complete: {
        operation: (prefix) =>
          OPERATIONS.map(({ name }) => name).filter((name) => name.startsWith(prefix)),
      },
    }),
    {
      title: "Model card",
      description: "An operation's arguments, price and source",
      mimeType: "application/json",
    },
    async (uri, { operation: name }) => {
      const operation = operationNamed(String(name));
      if (!operation) throw new ResourceNotFoundError(uri.href);
      return jsonContents(uri, {
        ...viewModel(operation, deps.settings.prices),
        description: operation.description,
        input_schema: advertisedSchema(operation.input),
        example: operation.example,
      });
    },
  );
}

function registerThreads(server: McpServer, deps: ToolDeps, owner: string): void {
  const newest = async () => {
    const { threads } = await deps.services.get();
    return (await threads.list(owner, NEWEST, undefined)).threads;
  };
  server.registerResource(
    "thread",
    new ResourceTemplate(URI_TEMPLATES.thread, {
      list: async () => ({
        resources: (await newest()).map(({ threadId, title }) => ({
          uri: uris.thread(threadId),
          name: threadId,
          description: oneLine(title),
          mimeType: "text/markdown",
        })),
      }),
      complete: {
        thread_id: async (prefix) =>
          (await newest()).map((one) => one.threadId).filter((id) => id.startsWith(prefix)),
      },
    }),
    {
      title: "Thread",
      description: "A conversation with the delegate, its reasoning included",
      mimeType: "text/markdown",
    },
    async (uri, { thread_id }) => {
      const { delegate, threads } = await deps.services.get();
      const threadId = String(thread_id);
      try {
        await delegate.requireThread(owner, threadId);
        const text = await threadPage(threads, owner, threadId);
        return { contents: [{ uri: uri.href, mimeType: "text/markdown", text }] };
      } catch (error) {
        throw asProtocolError(error, uri);
      }
    },
  );
}

function mediumEntry(job: Job) {
  return (medium: Medium) => ({
    uri: uris.medium(job.jobId, medium.index),
    name: oneLine(nameOf(medium.path)),
    mimeType: medium.mimeType,
    size: medium.sizeBytes,
  });
}

function findMedium(uri: URL, job: Job, index: string | string[] | undefined): Medium {
  const medium = job.media.find((one) => String(one.index) === String(index));
  if (!medium) throw new ResourceNotFoundError(uri.href);
  return medium;
}

async function previewOf(store: MediaStore, owner: string, { path }: Medium) {
  const source = await pictureSource(store, owner, path).catch(() => undefined);
  return source === undefined ? undefined : makePreview(source, PREVIEW_BUDGET_BASE64);
}

async function readBytes(
  { services }: Pick<ToolDeps, "services">,
  owner: string,
  medium: Medium,
): Promise<Buffer> {
  const { media } = await services.get();
  try {
    return await readMedium(media, owner, medium.path);
  } catch {
    throw new ProtocolError(
      ProtocolErrorCode.InternalError,
      `${oneLine(medium.path)} is missing. It was served at ${oneLine(medium.url)}`,
    );
  }
}

function jsonContents(uri: URL, value: unknown) {
  const text = visibleJson(value);
  return { contents: [{ uri: uri.href, mimeType: "application/json", text }] };
}

function blobContents(uri: URL, mimeType: string, bytes: Buffer) {
  return { contents: [{ uri: uri.href, mimeType, blob: bytes.toString("base64") }] };
}

function asProtocolError(thrown: unknown, uri: URL): Error {
  const error = toAppError(thrown);
  if (error.code === "not_found") {
    return new ResourceNotFoundError(uri.href, `Resource not found: ${message(error.message)}`);
  }
  return new ProtocolError(
    ProtocolErrorCode.InternalError,
    `${error.code}: ${message(error.message)}`,
  );
}
