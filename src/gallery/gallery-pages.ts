import type { IncomingMessage, ServerResponse } from "node:http";
import type { Authenticator, Credential } from "../access/authenticator.ts";
import type { Clock } from "../core/clock.ts";
import { AppError, type ErrorCode, toAppError } from "../core/errors.ts";
import { html } from "../core/html.ts";
import { readBuilt } from "../core/package-root.ts";
import { message } from "../core/text.ts";
import { readJobId } from "../core/uris.ts";
import type { WholeJob } from "../jobs/job.ts";
import { noSuchJob, requireJob } from "../jobs/require-job.ts";
import { requireSeen } from "../tools/scopes.ts";
import { remove, removeThread, settle } from "./acts.ts";
import { sendDownload, sendPicture, sendThumbnail } from "./file-answers.ts";
import { type Arrival, GalleryDoor, ownForm, refuseForm } from "./gallery-door.ts";
import type { SharedVisits } from "./gallery-sessions.ts";
import { cardFragment, gridPage } from "./grid-page.ts";
import { jobPage, promptOf } from "./job-page.ts";
import { Live } from "./live.ts";
import { page } from "./page-frame.ts";
import { hardenPage, send, sendPage } from "./page-replies.ts";
import { seesWholeSpending } from "./permissions.ts";
import { spendingPage } from "./spending-page.ts";
import { threadPageOf, threadsPage } from "./threads-pages.ts";
import type { GalleryParts, Visit } from "./visit.ts";

export interface GalleryOptions {
  /** Opened when the first one is let in. */
  parts: () => Promise<GalleryParts>;
  clock: Clock;
  /** Where users may come, who have tokens. */
  authenticator?: Authenticator | undefined;
  /** Where other servers let in whom this one has let in, and this one theirs. */
  visits?: Pick<SharedVisits, "record"> | undefined;
  stopping: AbortSignal;
}

/** What whoever received a request does about its answer. */
export interface Hands {
  /** Ends the answer as soon as a credential is good no more. */
  watch: (response: ServerResponse, credential: Credential) => void;
  isStream: (response: ServerResponse) => void;
}

const STATUS: Partial<Record<ErrorCode, number>> = {
  not_found: 404,
  invalid_input: 400,
  forbidden: 403,
  storage: 503,
};
const STYLE = { name: "gallery.css", type: "text/css; charset=utf-8" };
const SCRIPT = { name: "gallery.js", type: "text/javascript; charset=utf-8" };

type Get = (visit: Visit, ...parts: string[]) => Promise<void> | void;
type Post = (visit: Visit, form: URLSearchParams, ...parts: string[]) => Promise<void>;

/** Pages for people: everything that was made, to look at. */
export class Gallery {
  readonly #options: GalleryOptions;
  readonly #door: GalleryDoor;
  readonly #live: Live;

  constructor(options: GalleryOptions) {
    this.#options = options;
    this.#live = new Live(options.stopping);
    this.#door = new GalleryDoor(options.clock, options.authenticator, options.visits);
  }

  /** @returns the path of a link that lets somebody in once, within ten minutes. */
  linkFor(credential: Credential, path = "/"): string {
    return this.#door.linkFor(credential, path);
  }

  /**
   * Answers whoever was let in, and those at the door.
   * @returns false for everybody else, to whom nothing was answered.
   */
  async answer(
    request: IncomingMessage,
    response: ServerResponse,
    arrival: Arrival,
    hands: Hands,
  ): Promise<boolean> {
    const [path = "", search = ""] = splitOnce(request.url ?? "", "?");
    const session = await this.#door.sessionOf(request);
    const isAsset = path === `/${STYLE.name}` && (session !== undefined || arrival.isClosed);
    if (session) hands.watch(response, session.credential);
    if (isAsset) {
      hardenPage(response);
      send(response, 200, STYLE.type, await readBuilt(STYLE.name));
      return true;
    }
    if (await this.#door.answer(request, response, path, arrival)) return true;
    if (!session) return false;
    hardenPage(response);
    const visit: Visit = {
      ...{ request, response, path, query: new URLSearchParams(search), session },
      caller: session.credential.caller,
      parts: await this.#options.parts(),
      isStream: () => hands.isStream(response),
    };
    try {
      await this.#show(visit, arrival);
    } catch (error) {
      this.#fail(visit, error);
    }
    return true;
  }

  async #show(visit: Visit, arrival: Arrival): Promise<void> {
    const { request, response, path, session } = visit;
    const steps = path.split("/").slice(1);
    if (request.method === "POST") {
      const form = await ownForm(request, session);
      if (!form) return refuseForm(response);
      if (path === "/logout") return this.#door.leave(request, response, arrival);
      const post = POSTS.get(`${steps[0]}/*/${steps[2]}`);
      if (post && steps.length === 3) return post(visit, form, steps[1] ?? "");
    }
    if (request.method === "GET" || request.method === "HEAD") {
      if (path === "/events") return this.#live.answer(visit);
      const get = GETS.get([steps[0], ...steps.slice(1).map(() => "*")].join("/"));
      if (get) return get(visit, ...steps.slice(1));
    }
    throw new AppError("not_found", "There is no such page.");
  }

  #fail(visit: Visit, thrown: unknown): void {
    const { response, parts, caller } = visit;
    const error = toAppError(thrown);
    const status = STATUS[error.code] ?? 500;
    if (status >= 500) parts.log.error({ err: thrown }, "a page of the gallery failed");
    if (response.headersSent) {
      response.destroy();
      return;
    }
    const words = message(parts.redact(parts.sentencesFor(caller).say(error.message)));
    const content = html`<h1>${status === 404 ? "Not here" : "That did not work"}</h1>
<p class="problem" role="alert">${words}</p><p><a href="/">All pictures</a></p>`;
    sendPage(response, page(visit, { title: "Not here" }, content), status);
  }
}

/** By the first step of a path, and how many follow it. */
const GETS: ReadonlyMap<string, Get> = new Map<string, Get>(
  Object.entries<Get>({
    "": async (visit) => sendPage(visit.response, await gridPage(visit)),
    [SCRIPT.name]: async ({ response }) =>
      send(response, 200, SCRIPT.type, await readBuilt(SCRIPT.name)),
    "jobs/*": async (visit, id) => {
      sendPage(visit.response, await jobPage(visit, await jobOf(visit, id)));
    },
    "cards/*": async (visit, id) => {
      const job = await jobOf(visit, id);
      sendPage(visit.response, await cardFragment(visit, { ...job, prompt: promptOf(job) }));
    },
    "thumbs/*/*": async (visit, id, index = "") =>
      sendThumbnail(visit, await jobOf(visit, id), index),
    "pictures/*/*": async (visit, id, index = "") =>
      sendPicture(visit, await jobOf(visit, id), index),
    "download/*/*": async (visit, id, index = "") =>
      sendDownload(visit, await jobOf(visit, id), index),
    threads: async (visit) => sendPage(visit.response, await threadsPage(visit)),
    "threads/*": async (visit, id = "") => sendPage(visit.response, await threadPageOf(visit, id)),
    spending: async (visit) => {
      if (!seesWholeSpending(visit.caller))
        throw new AppError("not_found", "There is no such page.");
      sendPage(visit.response, await spendingPage(visit));
    },
  }),
);

const POSTS: ReadonlyMap<string, Post> = new Map<string, Post>(
  Object.entries<Post>({
    "jobs/*/settle": async (visit, form, id) => settle(visit, await jobOf(visit, id), form),
    "jobs/*/delete": async (visit, form, id) => remove(visit, await jobOf(visit, id), form),
    "threads/*/delete": (visit, _form, id = "") => removeThread(visit, id),
  }),
);

/** @throws {not_found} for a job that is nowhere, somebody else's, or not seen by its owner's scopes. */
async function jobOf({ caller, parts }: Visit, given = ""): Promise<WholeJob> {
  const jobId = readJobId(given);
  if (jobId === undefined || jobId !== given) throw noSuchJob(given);
  const job = await requireJob(parts.store, caller.owner, jobId);
  requireSeen(caller, job);
  return job;
}

function splitOnce(text: string, mark: string): string[] {
  const at = text.indexOf(mark);
  return at < 0 ? [text] : [text.slice(0, at), text.slice(at + 1)];
}
