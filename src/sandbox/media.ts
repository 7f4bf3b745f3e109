import { createHash } from "node:crypto";
import { type Context, Hono } from "hono";
import type { SandboxJob } from "./archive.ts";
import type { Commission } from "./commission.ts";
import { refuse, type SandboxContext, type SandboxEnv } from "./context.ts";
import { MEDIA_FAULTS } from "./fault-schema.ts";
import { cutShort, replaceReply } from "./intake.ts";
import { DEMO_PICTURE_PATH } from "./legacy.ts";
import type { Painter } from "./picture.ts";
import { phaseAt } from "./queue.ts";

export interface StoredMedia {
  bytes: Buffer;
  etag: string;
}

const CACHE_BYTES = 48 * 1024 * 1024;

/** Finished files: made when first asked for, the same every time, the latest kept at hand. */
export class MediaShelf {
  readonly #painter: Painter;
  readonly #made = new Map<string, Promise<StoredMedia>>();
  readonly #sizes = new Map<string, number>();

  constructor(painter: Painter) {
    this.#painter = painter;
  }

  /** One of a job's files, counted from 0; undefined where the job has no usable inputs. */
  async file(job: SandboxJob, index: number): Promise<StoredMedia | undefined> {
    const inputs = await job.inputs;
    const path = job.files[index]?.path;
    if ("problem" in inputs || path === undefined) return undefined;
    return await this.#keep(path, () => this.#painter.render(job.commission, index, inputs));
  }

  /** The picture of the older status operation's example. */
  async demo(): Promise<StoredMedia> {
    return await this.#keep(DEMO_PICTURE_PATH, () => this.#painter.render(DEMO, 0, []));
  }

  async #keep(path: string, make: () => Promise<Buffer>): Promise<StoredMedia> {
    const known = this.#made.get(path);
    // Taken out and put back, so that the map's order is the order of use.
    this.#made.delete(path);
    const stored = known ?? make().then(store);
    this.#made.set(path, stored);
    try {
      const { bytes } = await stored;
      this.#sizes.set(path, bytes.length);
    } catch (error) {
      this.#made.delete(path);
      throw error;
    }
    this.#shrink();
    return await stored;
  }

  #shrink(): void {
    let total = [...this.#sizes.values()].reduce((sum, size) => sum + size, 0);
    for (const path of this.#made.keys()) {
      if (total <= CACHE_BYTES || this.#made.size === 1) return;
      total -= this.#sizes.get(path) ?? 0;
      this.#made.delete(path);
      this.#sizes.delete(path);
    }
  }
}

function store(bytes: Buffer): StoredMedia {
  return { bytes, etag: `"${createHash("sha256").update(bytes).digest("hex").slice(0, 32)}"` };
}

const DEMO: Commission = {
  title: "LongCat-Image",
  output: "pictures",
  prompt: "A cat on a mountain at sunset",
  count: 1,
  format: "png",
  size: { width: 1024, height: 768 },
  inputs: [],
  seed: "demo",
  watermark: false,
  aboutOneMegapixel: false,
  fast: false,
  webhook: undefined,
};

/** Downloads of finished files: no key, with ranges. Mounted last, since it takes any path. */
export function mediaRoutes(context: SandboxContext): Hono<SandboxEnv> {
  const app = new Hono<SandboxEnv>();
  app.get("*", async (c) => {
    const { path } = c.req;
    if (path === DEMO_PICTURE_PATH) return serve(c, await context.media.demo(), "image/png");
    const found = context.archive.fileAt(path);
    const file = found?.job.files[found.index];
    if (!found || !file || !isFinished(found.job, context.clock.now()))
      return refuse(c, 404, "There is nothing here.");

    const fault = context.faults.take(MEDIA_FAULTS, c.get("occasion"));
    if (fault?.kind === "media-status")
      return new Response(`The file store answered ${fault.status}.`, { status: fault.status });
    if (fault?.kind === "media-body") {
      const bytes = Buffer.from(fault.body, fault.encoding ?? "utf8");
      const type = fault.contentType ?? "text/html; charset=utf-8";
      return new Response(bytes, { headers: { "Content-Type": type } });
    }
    const stored = await context.media.file(found.job, found.index);
    if (!stored) return refuse(c, 404, "There is nothing here.");
    const reply = serve(c, stored, file.contentType);
    if (fault?.kind !== "media-truncate") return reply;
    replaceReply(c, reply);
    return await cutShort(c);
  });
  return app;
}

function isFinished(job: SandboxJob, now: number): boolean {
  const failed = job.fault?.kind === "job-failed" || job.fault?.kind === "job-error";
  return !failed && phaseAt(job.schedule, now) === "ENDED";
}

function serve(c: Context<SandboxEnv>, stored: StoredMedia, contentType: string): Response {
  const { bytes, etag } = stored;
  const headers = {
    "Content-Type": contentType,
    "Accept-Ranges": "bytes",
    "Cache-Control": "public, max-age=31536000, immutable",
    ETag: etag,
  };
  if (c.req.header("If-None-Match") === etag) return new Response(null, { status: 304, headers });
  const condition = c.req.header("If-Range");
  const asked = condition === undefined || condition === etag ? c.req.header("Range") : undefined;
  const range = asked === undefined ? undefined : rangeIn(asked, bytes.length);
  if (range === "unsatisfiable")
    return new Response(null, {
      status: 416,
      headers: { ...headers, "Content-Range": `bytes */${bytes.length}` },
    });
  const { start, end } = range ?? { start: 0, end: bytes.length - 1 };
  const part = Uint8Array.from(bytes.subarray(start, end + 1));
  return new Response(part, {
    status: range ? 206 : 200,
    headers: {
      ...headers,
      "Content-Length": String(part.length),
      ...(range && { "Content-Range": `bytes ${start}-${end}/${bytes.length}` }),
    },
  });
}

/** One byte range of RFC 9110; undefined (the whole file) for several, or what is not one. */
function rangeIn(
  header: string,
  length: number,
): { start: number; end: number } | "unsatisfiable" | undefined {
  const [, first = "", last = ""] = /^bytes=(\d*)-(\d*)$/.exec(header.trim()) ?? [];
  if (first === "" && last === "") return undefined;
  if (first === "") {
    const suffix = Math.min(Number(last), length);
    return suffix === 0 ? "unsatisfiable" : { start: length - suffix, end: length - 1 };
  }
  const start = Number(first);
  const end = last === "" ? length - 1 : Math.min(Number(last), length - 1);
  if (last !== "" && Number(last) < start) return undefined;
  return start >= length ? "unsatisfiable" : { start, end };
}
