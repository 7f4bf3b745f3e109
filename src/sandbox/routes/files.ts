import { type Context, Hono } from "hono";
import type { SandboxJob } from "../archive.ts";
import type { FaultOf } from "../faults/fault-kinds.ts";
import { DEMO_PICTURE_PATH, type StoredMedia } from "../media-shelf.ts";
import { phaseAt } from "../queue.ts";
import type { SandboxContext, SandboxEnv } from "../sandbox-context.ts";
import { cutShort, replaceReply } from "./intake.ts";
import { refuse } from "./refusal.ts";

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

    const fault = context.faults.take("media", c.get("occasion"));
    const whole = async () => {
      const stored = await context.media.file(found.job, found.index);
      return stored ? serve(c, stored, file.contentType) : refuse(c, 404, "There is nothing here.");
    };
    return fault ? await spoil(c, fault, whole) : await whole();
  });
  return app;
}

/** Lets the request for a file go wrong. */
async function spoil(
  c: Context<SandboxEnv>,
  fault: FaultOf<"media">,
  whole: () => Promise<Response>,
): Promise<Response> {
  switch (fault.kind) {
    case "media-status":
      return new Response(`The file store answered ${fault.status}.`, { status: fault.status });
    case "media-body": {
      const bytes = Buffer.from(fault.body, fault.encoding ?? "utf8");
      const type = fault.contentType ?? "text/html; charset=utf-8";
      return new Response(bytes, { headers: { "Content-Type": type } });
    }
    case "media-truncate": {
      const reply = await whole();
      if (!reply.ok) return reply;
      replaceReply(c, reply);
      return await cutShort(c);
    }
  }
}

function isFinished(job: SandboxJob, now: number): boolean {
  return job.twist.end === undefined && phaseAt(job.schedule, now) === "ENDED";
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
