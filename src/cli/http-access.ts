import type { Access } from "../access/authenticator.ts";
import { Logins } from "../access/logins.ts";
import { UserAuthenticator } from "../access/user-authenticator.ts";
import type { Clock } from "../core/clock.ts";
import { AppError, toAppError } from "../core/errors.ts";
import { isLoopbackHost } from "../core/host-addresses.ts";
import { Lazy } from "../core/lazy.ts";
import { HttpClient } from "../gateway/http-client.ts";
import type { Runtime } from "../runtime/runtime.ts";
import type { Settings } from "../settings/settings.ts";
import { type Front, inRanges, isAnyAddress } from "../transports/http/in-front.ts";
import type { ClosedMarker } from "../users/door.ts";
import { RefusedLogins } from "../users/refused-logins.ts";

const DOCUMENT_DEADLINE_MS = 10_000;
const MAX_DOCUMENT_BYTES = 1024 * 1024;

export interface HttpAccessOptions {
  settings: Settings;
  runtime: Pick<Lazy<Runtime>, "get">;
  /** What says beside the record that there have been users; on a server the record itself. */
  marker: ClosedMarker;
  clock: Clock;
  onError: (error: Error) => void;
}

export interface HttpAccess {
  access: Access;
  front: Front;
  /** What whoever starts the server should know, a sentence each. */
  notes: string[];
  /**
   * Records, once the port is known, what closes the service from its start on; beside the mark,
   * which is there already.
   */
  record(): Promise<void>;
  /** Writes what is still to be written. */
  close(): Promise<void>;
}

/**
 * Who may call over HTTP, as the settings and the record of users say.
 * @throws {configuration} where everybody could call from elsewhere.
 * @throws {storage} when it cannot be recorded that an issuer closes the service.
 */
export function openAccess(options: HttpAccessOptions): HttpAccess {
  const { settings, runtime, marker, clock, onError } = options;
  const { oauth, host } = settings;
  const isLoopback = isLoopbackHost(host);
  if (oauth) marker.set();
  const isMarked = marker.isSet();
  if (!isLoopback && !isMarked) throw openToAll(host);
  /** Opened by the first request, when the port is known that other things hang on. */
  const record = new Lazy(async () => {
    const opened = await runtime.get();
    if (oauth) await opened.door.closeFor(oauth.issuer, clock.now());
    else await opened.door.remember(clock.now());
    return opened;
  });
  const isRecorded = async () => {
    // What others may have closed meanwhile is open only where it says so itself.
    if (settings.database) return (await record.get()).users.everExisted();
    const opened = await record.get().catch(() => undefined);
    // Where the record cannot be opened, nothing can be called either.
    return opened ? opened.door.isClosed() : marker.isSet();
  };
  const http = new HttpClient(settings.proxies);
  const logins = oauth && new Logins(oauth, (url) => getJson(http, url), clock);
  const refused = new RefusedLogins(
    { noteRefusals: async (all) => (await record.get()).audit.noteRefusals(all) },
    clock,
    (error) => onError(toAppError(error)),
  );
  const authenticator = new UserAuthenticator({
    users: {
      byTokenHash: async (hash) => (await record.get()).users.byTokenHash(hash),
      bySubject: async (subject, now) => (await record.get()).users.bySubject(subject, now),
    },
    logins,
    refused,
    clock,
    // Whoever opens the service again means this machine, and never what listens for others.
    isClosed: async () => oauth !== undefined || !isLoopback || (await isRecorded()),
  });
  const { hosts, origins, proxies } = settings.front;
  const outside = oauth && new URL(oauth.audience).hostname;
  return {
    access: { authenticator, resource: oauth },
    front: { hosts, outside, origins, isProxy: inRanges(proxies) },
    notes: notesOn(settings, isMarked),
    record: async () => {
      if (isMarked) await record.get().catch(onError);
    },
    async close() {
      await refused.close();
      await http.close();
    },
  };
}

function openToAll(host: string): AppError {
  return new AppError(
    "configuration",
    `The server listens elsewhere than on loopback (--host ${host}) only with users, since everybody could call its tools: add one (\`longcat-mcp users add NAME\`), or set LONGCAT_MCP_OAUTH_ISSUER and LONGCAT_MCP_OAUTH_AUDIENCE.`,
  );
}

function notesOn({ host, front }: Settings, isClosed: boolean): string[] {
  const given = Object.entries({
    LONGCAT_MCP_ALLOWED_HOSTS: front.hosts,
    LONGCAT_MCP_ALLOWED_ORIGINS: front.origins,
    LONGCAT_MCP_TRUSTED_PROXIES: front.proxies,
  }).filter(([, list]) => list.length > 0);
  if (!isClosed) {
    const idle = given.map(([name]) => `${name} has no effect before there are users.`);
    return [
      "No users: every program and account of this machine can call the tools (`longcat-mcp users add NAME` changes that).",
      ...idle,
    ];
  }
  if (isLoopbackHost(host)) return [];
  return [
    `${host} is served in clear: whoever can read the traffic can read tokens, so put a proxy with TLS in front (docs/hosting.md).`,
    ...(isAnyAddress(host) && front.hosts.length === 0
      ? ["Any Host is answered: name those of this server in LONGCAT_MCP_ALLOWED_HOSTS."]
      : []),
  ];
}

/** @throws {upstream_unavailable} when there is no JSON at an address */
async function getJson(http: HttpClient, url: URL): Promise<unknown> {
  const { status, text } = await http.send({
    ...{ method: "GET", url, headers: { accept: "application/json" } },
    ...{ deadlineMs: DOCUMENT_DEADLINE_MS, maxBytes: MAX_DOCUMENT_BYTES },
  });
  if (status === 200) return JSON.parse(text);
  throw new AppError("upstream_unavailable", `${url.href} answers HTTP ${status}`);
}
