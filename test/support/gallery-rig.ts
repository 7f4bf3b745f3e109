import { type IncomingHttpHeaders, request } from "node:http";
import { join } from "node:path";
import { onTestFinished } from "vitest";
import type { Authenticator, Credential } from "../../src/access/authenticator.ts";
import type { Caller } from "../../src/core/caller.ts";
import { LOCAL_CALLER } from "../../src/core/owner.ts";
import { createRedact } from "../../src/core/redact.ts";
import { Gallery } from "../../src/gallery/gallery-pages.ts";
import type { GalleryParts } from "../../src/gallery/visit.ts";
import { JobEvents } from "../../src/jobs/events.ts";
import type { Medium, WholeJob } from "../../src/jobs/job.ts";
import { DiskStore } from "../../src/media/disk-store.ts";
import { nameOf } from "../../src/media/media-store.ts";
import { Thumbnails } from "../../src/media/thumbnail.ts";
import { Connection } from "../../src/storage/sqlite/connection.ts";
import { SqliteJobStore } from "../../src/storage/sqlite/sqlite-job-store.ts";
import { SqliteLineage } from "../../src/storage/sqlite/sqlite-lineage.ts";
import { SqliteThreadStore } from "../../src/storage/sqlite/sqlite-thread-store.ts";
import { servePages } from "../../src/transports/pages-listener.ts";
import { FakeClock } from "./fake-clock.ts";
import { credential, openHttpServer } from "./http-server.ts";
import { aMedium } from "./made-jobs.ts";
import { picture } from "./pictures.ts";
import { tempDir } from "./temp-dir.ts";
import { silentLog } from "./tool-deps.ts";

/** What no page may show. */
export const KEY = "key-0123456789abcdef";

export interface Answer {
  status: number;
  headers: IncomingHttpHeaders;
  text: string;
  bytes: Buffer;
}

export interface Asking {
  method?: string;
  headers?: Record<string, string>;
  body?: string | undefined;
}

/** Asks as a browser does, and as none would: every header may be set. */
export function ask(origin: string, path: string, asking: Asking = {}): Promise<Answer> {
  const { method = "GET", headers = {}, body } = asking;
  const { hostname, port } = new URL(origin);
  return new Promise((resolve, reject) => {
    const asked = request({ hostname, port, path, method, headers }, (response) => {
      const chunks: Buffer[] = [];
      response.on("data", (chunk: Buffer) => chunks.push(chunk));
      response.on("error", reject);
      response.on("end", () => {
        const bytes = Buffer.concat(chunks);
        const { statusCode: status = 0, headers } = response;
        resolve({ status, headers, text: bytes.toString(), bytes });
      });
    });
    asked.on("error", reject);
    asked.end(body);
  });
}

/** Somebody at a browser: keeps the cookie, knows the key of the forms it was shown. */
export class Visitor {
  readonly origin: string;
  cookie = "";
  formKey = "";

  constructor(origin: string) {
    this.origin = origin;
  }

  async get(path: string, headers: Record<string, string> = {}): Promise<Answer> {
    return this.#keep(await ask(this.origin, path, { headers: { ...this.#own(), ...headers } }));
  }

  /** Sends a form of the last page, as a browser sends it. */
  async post(
    path: string,
    fields: Record<string, string>,
    headers: Record<string, string> = {},
  ): Promise<Answer> {
    const body = new URLSearchParams({ key: this.formKey, ...fields }).toString();
    const own = {
      ...this.#own(),
      origin: this.origin,
      "content-type": "application/x-www-form-urlencoded",
    };
    const asking = { method: "POST", headers: { ...own, ...headers }, body };
    return this.#keep(await ask(this.origin, path, asking));
  }

  #own(): Record<string, string> {
    return this.cookie === "" ? {} : { cookie: this.cookie };
  }

  #keep(answer: Answer): Answer {
    const [set] = answer.headers["set-cookie"] ?? [];
    if (set !== undefined) this.cookie = set.split(";", 1)[0] ?? "";
    const key = /name="key" value="([^"]+)"/.exec(answer.text)?.[1];
    if (key !== undefined) this.formKey = key;
    return answer;
  }
}

export interface GalleryRig {
  gallery: Gallery;
  clock: FakeClock;
  store: SqliteJobStore;
  connection: Connection;
  media: DiskStore;
  parts: GalleryParts;
  folder: string;
  /** Aborts when the server is to end. */
  stopping: AbortController;
  /** A finished picture that lies on the disk. */
  aPicture(
    job: Pick<WholeJob, "jobId" | "createdAt" | "owner">,
    more?: Partial<Medium>,
  ): Promise<Medium>;
}

/** The gallery on a real store and disk, with nobody at it yet. */
export async function openGalleryRig(
  more: Partial<GalleryParts> & { authenticator?: Authenticator } = {},
): Promise<GalleryRig> {
  const { authenticator, ...changed } = more;
  const folder = await tempDir();
  const clock = new FakeClock();
  const connection = new Connection(join(folder, "data"));
  const store = new SqliteJobStore(connection);
  const outputDir = join(folder, "pictures");
  const places = { allowedDirs: [outputDir], workingDir: folder, homeDir: folder };
  const media = new DiskStore({ ...places, outputDir, homeOwner: LOCAL_CALLER.owner });
  const parts: GalleryParts = {
    ...{ store, media, clock, log: silentLog, events: new JobEvents(), isSandbox: false },
    lineage: new SqliteLineage(connection),
    threads: new SqliteThreadStore(connection),
    thumbnails: new Thumbnails(media),
    limits: { perDayUsd: undefined, perMonthUsd: undefined, confirmAboveUsd: undefined },
    redact: createRedact([KEY]),
    sentencesFor: ({ isRemote }) => ({
      say: (sentence) => (isRemote ? sentence.replaceAll(folder, "…") : sentence),
      nameOf: isRemote ? nameOf : (path) => path,
    }),
    ...changed,
  };
  const stopping = new AbortController();
  const gallery = new Gallery({
    ...{ parts: async () => parts, clock, stopping: stopping.signal },
    authenticator,
  });
  onTestFinished(() => store.close());
  return {
    ...{ gallery, clock, store, connection, media, parts, folder, stopping },
    async aPicture({ jobId, createdAt, owner }, change = {}) {
      const naming = { owner, operation: "z", words: "", jobId, index: 1, createdAt };
      const bytes = await picture("png", { width: 64, height: 48 });
      const { ref, ...kept } = await media.put(bytes, { ...naming, extension: "png" });
      return aMedium({ path: ref, ...kept, ...change });
    },
  };
}

/** That gallery on a port of its own, as `longcat-mcp gallery` serves it. */
export async function serveRig(rig: GalleryRig, caller: Caller = LOCAL_CALLER) {
  const { clock } = rig;
  const failures: unknown[] = [];
  const onError = (error: unknown) => failures.push(error);
  const serving = await servePages(rig.gallery, { port: 0, clock, onError });
  onTestFinished(() => serving.close());
  const { origin } = serving;
  const link = (path?: string, given: Credential = credential(caller)) =>
    rig.gallery.linkFor(given, path);
  /** Somebody who has come in. */
  const visitor = async (given?: Credential) => {
    const one = new Visitor(origin);
    await one.get(link("/", given));
    await one.get("/");
    return one;
  };
  return { origin, link, visitor, failures };
}

/** That gallery beside MCP, for users with tokens. */
export async function serveForUsers(rig: GalleryRig, authenticator: Authenticator) {
  const server = await openHttpServer({ authenticator }, { pages: rig.gallery });
  return {
    origin: server.origin,
    events: server.events,
    stranger: () => new Visitor(server.origin),
    async user(token: string) {
      const one = new Visitor(server.origin);
      await one.post("/login", { token });
      await one.get("/");
      return one;
    },
  };
}
