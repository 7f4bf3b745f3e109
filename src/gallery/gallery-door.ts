import type { IncomingMessage, ServerResponse } from "node:http";
import type { Authenticator, Credential } from "../access/authenticator.ts";
import type { Clock } from "../core/clock.ts";
import { html } from "../core/html.ts";
import { isOwnForm, type Session, Sessions, type SharedVisits } from "./gallery-sessions.ts";
import { ENTER_PATH, OneTimeLinks } from "./one-time-links.ts";
import { document } from "./page-frame.ts";
import { hardenPage, isFromHere, leadTo, readForm, send, sendPage } from "./page-replies.ts";
import { noSessionCookies, sessionCookie, sessionValues } from "./session-cookie.ts";

/** How a request has come, as whoever received it found out. */
export interface Arrival {
  /** Whether callers have to say who they are. */
  isClosed: boolean;
  /** Whether the browser has come by https. */
  isSecure: boolean;
  /** Of the other end of the connection. */
  address: string;
}

export const LOGIN_PATH = "/login";

/** Lets people in: by a link that this program has printed, or by the token of a user. */
export class GalleryDoor {
  readonly #sessions: Sessions;
  readonly #links: OneTimeLinks;
  readonly #authenticator: Authenticator | undefined;

  /**
   * @param authenticator where users may come, who have tokens.
   * @param visits where other servers are to know them as well.
   */
  constructor(
    clock: Clock,
    authenticator: Authenticator | undefined,
    visits: Pick<SharedVisits, "record"> | undefined,
  ) {
    const shared = authenticator && visits && { ...visits, authenticator };
    this.#sessions = new Sessions(clock, shared);
    this.#links = new OneTimeLinks(clock);
    this.#authenticator = authenticator;
  }

  /** @returns the path of a link that lets somebody in once. */
  linkFor(credential: Credential, path: string): string {
    return this.#links.make(credential, path);
  }

  /** Who has sent a request, if it was let in. @throws {storage} when that cannot be found out */
  async sessionOf(request: IncomingMessage): Promise<Session | undefined> {
    for (const value of sessionValues(request)) {
      const session = await this.#sessions.of(value);
      if (session) return session;
    }
    return undefined;
  }

  /** Answers what is asked by somebody who may not be in yet. @returns whether it was such. */
  async answer(
    request: IncomingMessage,
    response: ServerResponse,
    path: string,
    arrival: Arrival,
  ): Promise<boolean> {
    const { method } = request;
    if (path.startsWith(ENTER_PATH) && method === "GET") {
      return this.#enter(request, response, path.slice(ENTER_PATH.length), arrival);
    }
    const isKnown = method === "POST" || method === "GET" || method === "HEAD";
    if (path !== LOGIN_PATH || !isKnown || !arrival.isClosed || !this.#authenticator) return false;
    hardenPage(response);
    if (method === "POST") await this.#logIn(request, response, arrival, this.#authenticator);
    else sendPage(response, loginPage());
    return true;
  }

  /** Ends a session, at its owner's wish. @throws {storage} when it may go on elsewhere */
  async leave(
    request: IncomingMessage,
    response: ServerResponse,
    { isSecure }: Arrival,
  ): Promise<void> {
    await this.#endAll(request);
    response.setHeader("set-cookie", noSessionCookies(request, isSecure));
    // Without the session there is no style any more.
    const text = "You are signed out, and can close this page.\n";
    send(response, 200, "text/plain; charset=utf-8", text);
  }

  async #enter(
    request: IncomingMessage,
    response: ServerResponse,
    secret: string,
    arrival: Arrival,
  ): Promise<boolean> {
    // A browser that looks ahead would use the link up before anybody sees the page.
    const isAhead = /prefetch|prerender/.test(String(request.headers["sec-purpose"] ?? ""));
    const way = isAhead ? undefined : await this.#links.use(secret);
    if (!way) return false;
    hardenPage(response);
    await this.#letIn(request, response, way.credential, arrival);
    // A page of ours that leads on: browsers send no strict cookie along a redirect from elsewhere.
    response.setHeader("refresh", `0; url=${way.path}`);
    response.setHeader("referrer-policy", "no-referrer");
    const content = html`<main><h1>Welcome</h1><p><a href="${way.path}">To the gallery</a></p></main>`;
    sendPage(response, document("Welcome", content));
    return true;
  }

  async #logIn(
    request: IncomingMessage,
    response: ServerResponse,
    arrival: Arrival,
    authenticator: Authenticator,
  ): Promise<void> {
    const form = isFromHere(request) ? await readForm(request) : undefined;
    if (!form) return sendPage(response, loginPage("Send the form of this page."), 403);
    const token = (form.get("token") ?? "").trim();
    const verified =
      token === "" ? { refused: "There is no token" } : await authenticator.verify(token);
    if ("refused" in verified) {
      await authenticator.noteRefusal(arrival.address);
      return sendPage(response, loginPage(`${verified.refused}.`), 401);
    }
    await this.#letIn(request, response, verified, arrival);
    leadTo(response, "/");
  }

  async #letIn(
    request: IncomingMessage,
    response: ServerResponse,
    credential: Credential,
    { isSecure }: Arrival,
  ): Promise<void> {
    await this.#endAll(request);
    const opened = await this.#sessions.open(credential);
    response.setHeader("set-cookie", sessionCookie(request, opened, isSecure));
  }

  async #endAll(request: IncomingMessage): Promise<void> {
    for (const value of sessionValues(request)) await this.#sessions.end(value);
  }
}

/** The form of somebody who was let in: from a page of ours, with the key of the session. */
export async function ownForm(
  request: IncomingMessage,
  session: Session,
): Promise<URLSearchParams | undefined> {
  const form = isFromHere(request) ? await readForm(request) : undefined;
  return form && isOwnForm(session, form.get("key")) ? form : undefined;
}

function loginPage(problem?: string) {
  return document(
    "Sign in",
    html`<main class="login"><h1>Your pictures</h1>
<form method="post" action="${LOGIN_PATH}">
<label>Your token <input type="password" name="token" required autocomplete="off" autofocus aria-describedby="hint"></label>
<p id="hint" class="about">It begins with <code>lcmcp_</code>. It is not kept in your browser.</p>
${problem !== undefined && html`<p class="problem" role="alert">${problem}</p>`}
<button>Sign in</button>
</form></main>`,
  );
}

/** For those who ask for something that is not there, or not for them. */
export function refuseForm(response: ServerResponse): void {
  send(
    response,
    403,
    "text/plain; charset=utf-8",
    "This form is not one of yours, or too old. Load the page again.\n",
  );
}
