import {
  ProtocolError,
  ProtocolErrorCode,
  ResourceNotFoundError,
} from "@modelcontextprotocol/server";
import { threadPage } from "../chat/thread-page.ts";
import { toAppError } from "../core/errors.ts";
import { redactValue } from "../core/redact.ts";
import { message, oneLine, visibleJson } from "../core/text.ts";
import { uris } from "../core/uris.ts";
import type { Job, Medium } from "../jobs/job.ts";
import { viewJob } from "../jobs/view.ts";
import { type MediaStore, nameOf, pictureSource, readMedium } from "../media/media-store.ts";
import { makePreview, PREVIEW_BUDGET_BASE64 } from "../media/preview.ts";
import { CARDS } from "../tools/cards.prepared.ts";
import { viewModel } from "../tools/models-tool.ts";
import type { ToolDeps } from "../tools/services.ts";

const NEWEST = 100;
/** Clients on stdio drop the connection at 10 MiB; base64 makes 4 bytes of 3. */
const MAX_BLOB_BYTES = 7 * 1024 * 1024;

/** What a template's variables were in an address that was asked for. */
type Variable = string | string[] | undefined;

/** What an owner finds behind the addresses of resources. */
export class ResourceReader {
  readonly #deps: ToolDeps;
  readonly #owner: string;

  constructor(deps: ToolDeps, owner: string) {
    this.#deps = deps;
    this.#owner = owner;
  }

  async listJobs() {
    return (await this.#newestJobs()).map((job) => ({
      uri: uris.job(job.jobId),
      name: job.jobId,
      description: `${job.operation}, ${job.state}`,
      mimeType: "application/json",
    }));
  }

  async listMedia() {
    const jobs = await this.#newestJobs();
    return jobs.flatMap((job) => job.media.map(mediumEntry(job))).slice(0, NEWEST);
  }

  async listThreads() {
    return (await this.#newestThreads()).map(({ threadId, title }) => ({
      uri: uris.thread(threadId),
      name: threadId,
      description: oneLine(title),
      mimeType: "text/markdown",
    }));
  }

  listModels() {
    return CARDS.map(({ name, title }) => ({
      uri: uris.model(name),
      name,
      description: title,
      mimeType: "application/json",
    }));
  }

  /** Names that a variable of an address may have. */
  async jobIds(): Promise<string[]> {
    return (await this.#newestJobs()).map((job) => job.jobId);
  }

  async indexesOf(jobId: string | undefined): Promise<string[]> {
    const job = (await this.#newestJobs()).find((one) => one.jobId === jobId);
    return (job?.media ?? []).map(({ index }) => String(index));
  }

  async threadIds(): Promise<string[]> {
    return (await this.#newestThreads()).map(({ threadId }) => threadId);
  }

  operations(): string[] {
    return CARDS.map(({ name }) => name);
  }

  async job(uri: URL, jobId: Variable) {
    const job = await this.#findJob(uri, jobId);
    const { isServed } = await this.#deps.services.get();
    const view = viewJob(job, (url) => isServed(job, url));
    return jsonContents(uri, redactValue(view, this.#deps.redact));
  }

  async medium(uri: URL, jobId: Variable, index: Variable) {
    const medium = findMedium(uri, await this.#findJob(uri, jobId), index);
    if (medium.sizeBytes > MAX_BLOB_BYTES) {
      throw new ProtocolError(
        ProtocolErrorCode.InvalidParams,
        `The file is too large to be read here (${medium.sizeBytes} bytes). It is at ${oneLine(medium.path)} and was served at ${oneLine(medium.url)}`,
      );
    }
    return blobContents(uri, medium.mimeType, await readBytes(this.#deps, this.#owner, medium));
  }

  async preview(uri: URL, jobId: Variable, index: Variable) {
    const medium = findMedium(uri, await this.#findJob(uri, jobId), index);
    const { media } = await this.#deps.services.get();
    const preview = await previewOf(media, this.#owner, medium);
    if (preview) return blobContents(uri, preview.mimeType, preview.data);
    throw new ProtocolError(
      ProtocolErrorCode.InvalidParams,
      `${oneLine(medium.path)} cannot be shown as a picture.`,
    );
  }

  async thread(uri: URL, given: Variable) {
    const { delegate, threads } = await this.#deps.services.get();
    const threadId = String(given);
    try {
      await delegate.requireThread(this.#owner, threadId);
      const text = await threadPage(threads, this.#owner, threadId);
      return { contents: [{ uri: uri.href, mimeType: "text/markdown", text }] };
    } catch (error) {
      throw asProtocolError(error, uri);
    }
  }

  model(uri: URL, name: Variable) {
    const card = CARDS.find((one) => one.name === String(name));
    if (!card) throw new ResourceNotFoundError(uri.href);
    return jsonContents(uri, {
      ...viewModel(card, this.#deps.settings.prices),
      description: card.description,
      input_schema: card.inputSchema,
      example: card.example,
    });
  }

  async #newestJobs(): Promise<Job[]> {
    const { jobs } = await this.#deps.services.get();
    return (await jobs.list({ owner: this.#owner, limit: NEWEST })).jobs;
  }

  async #newestThreads() {
    const { threads } = await this.#deps.services.get();
    return (await threads.list(this.#owner, NEWEST, undefined)).threads;
  }

  async #findJob(uri: URL, jobId: Variable) {
    const { jobs } = await this.#deps.services.get();
    try {
      return await jobs.get(this.#owner, String(jobId));
    } catch (error) {
      throw asProtocolError(error, uri);
    }
  }
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
