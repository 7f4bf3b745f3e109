import {
  ProtocolError,
  ProtocolErrorCode,
  ResourceNotFoundError,
} from "@modelcontextprotocol/server";
import { threadPage } from "../chat/thread-page.ts";
import type { Caller } from "../core/caller.ts";
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
import { onlyOperation, requireSeen } from "../tools/scopes.ts";
import type { ToolDeps } from "../tools/services.ts";
import {
  placeLine,
  seenBy,
  sentencesFor,
  standpointIn,
  type Whereabouts,
  whereaboutsFor,
} from "../tools/whereabouts.ts";

const NEWEST = 100;
/** Clients on stdio drop the connection at 10 MiB; base64 makes 4 bytes of 3. */
const MAX_BLOB_BYTES = 7 * 1024 * 1024;

/** What a template's variables were in an address that was asked for. */
type Variable = string | string[] | undefined;

/** What an owner finds behind the addresses of resources. */
export class ResourceReader {
  readonly #deps: ToolDeps;
  readonly #caller: Caller;

  constructor(deps: ToolDeps, caller: Caller) {
    this.#deps = deps;
    this.#caller = caller;
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
    const where = await this.#where();
    const from = standpointIn(where, job, (url) => isServed(job, url));
    const view = viewJob(seenBy(where, job), from);
    return jsonContents(uri, redactValue(view, this.#deps.redact));
  }

  async medium(uri: URL, jobId: Variable, index: Variable) {
    const job = await this.#findJob(uri, jobId);
    const medium = findMedium(uri, job, index);
    const where = await this.#where();
    if (medium.sizeBytes > MAX_BLOB_BYTES) {
      throw new ProtocolError(
        ProtocolErrorCode.InvalidParams,
        `The file is too large to be read here (${medium.sizeBytes} bytes). It is at ${placeLine(where, job, medium)} and was served at ${oneLine(medium.url)}`,
      );
    }
    return blobContents(uri, medium.mimeType, await this.#bytesOf(medium));
  }

  async preview(uri: URL, jobId: Variable, index: Variable) {
    const medium = findMedium(uri, await this.#findJob(uri, jobId), index);
    const { media } = await this.#deps.services.get();
    const preview = await previewOf(media, this.#caller.owner, medium);
    if (preview) return blobContents(uri, preview.mimeType, preview.data);
    throw new ProtocolError(
      ProtocolErrorCode.InvalidParams,
      `${this.#nameOf(medium)} cannot be shown as a picture.`,
    );
  }

  async thread(uri: URL, given: Variable) {
    const { delegate, threads } = await this.#deps.services.get();
    const threadId = String(given);
    try {
      await delegate.requireThread(this.#caller.owner, threadId);
      const text = await threadPage(threads, this.#caller.owner, threadId);
      return { contents: [{ uri: uri.href, mimeType: "text/markdown", text }] };
    } catch (error) {
      throw this.#asProtocolError(error, uri);
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

  async #where(): Promise<Whereabouts> {
    const { links } = await this.#deps.services.get();
    return whereaboutsFor(this.#caller, this.#deps.settings, links);
  }

  #nameOf({ path }: Medium): string {
    return oneLine(sentencesFor(this.#caller, this.#deps.settings).nameOf(path));
  }

  async #bytesOf(medium: Medium): Promise<Buffer> {
    const { media } = await this.#deps.services.get();
    try {
      return await readMedium(media, this.#caller.owner, medium.path);
    } catch (error) {
      const { code, message: reason } = toAppError(error);
      if (code === "storage") throw new ProtocolError(ProtocolErrorCode.InternalError, reason);
      throw new ProtocolError(
        ProtocolErrorCode.InternalError,
        `${this.#nameOf(medium)} is missing. It was served at ${oneLine(medium.url)}`,
      );
    }
  }

  /** What was thrown, as a client may read it. */
  #asProtocolError(thrown: unknown, uri: URL): Error {
    const error = toAppError(thrown);
    const { say } = sentencesFor(this.#caller, this.#deps.settings);
    const text = message(say(error.message));
    return error.code === "not_found"
      ? new ResourceNotFoundError(uri.href, `Resource not found: ${text}`)
      : new ProtocolError(ProtocolErrorCode.InternalError, `${error.code}: ${text}`);
  }

  async #newestJobs(): Promise<Job[]> {
    const { jobs } = await this.#deps.services.get();
    const operation = onlyOperation(this.#caller);
    return (await jobs.list({ owner: this.#caller.owner, operation, limit: NEWEST })).jobs;
  }

  async #newestThreads() {
    const { threads } = await this.#deps.services.get();
    return (await threads.list(this.#caller.owner, NEWEST, undefined)).threads;
  }

  async #findJob(uri: URL, jobId: Variable) {
    const { jobs } = await this.#deps.services.get();
    try {
      const job = await jobs.get(this.#caller.owner, String(jobId));
      requireSeen(this.#caller, job);
      return job;
    } catch (error) {
      throw this.#asProtocolError(error, uri);
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

function jsonContents(uri: URL, value: unknown) {
  const text = visibleJson(value);
  return { contents: [{ uri: uri.href, mimeType: "application/json", text }] };
}

function blobContents(uri: URL, mimeType: string, bytes: Buffer) {
  return { contents: [{ uri: uri.href, mimeType, blob: bytes.toString("base64") }] };
}
