import {
  localhostAllowedHostnames,
  localhostAllowedOrigins,
  validateHostHeader,
  validateOriginHeader,
} from "@modelcontextprotocol/server";
import { canParseUrl } from "../../core/can-parse-url.ts";
import { isLoopbackHost } from "../../core/host-addresses.ts";
import { oneLine } from "../../core/text.ts";
import { forwardingHeader } from "./forwarding.ts";
import { type Front, hostnamesOf } from "./in-front.ts";
import { ONLY_LOCAL, refused } from "./refusing.ts";

/** What a request is judged by before anyone asks who sent it. */
export interface Arrival {
  headers: Headers;
  /** Of the other end of the connection. */
  address: string;
  /** Whether callers have to say who they are; where not, only this machine may call. */
  isClosed: boolean;
  /** Whether it asks for a page, whose forms come from pages of this server itself. */
  isForPeople?: boolean;
}

/** Keeps out what no client of this server sends: web pages of others, and what others pass on. */
export class Guards {
  readonly #front: Front;
  readonly #isLoopback: boolean;
  readonly #hostnames: readonly string[] | undefined;

  /** @param host where the server listens */
  constructor(front: Front, host: string) {
    this.#front = front;
    this.#isLoopback = isLoopbackHost(host);
    this.#hostnames = hostnamesOf(front, host);
  }

  /** Whether a page of this origin may call, and read the answers. */
  isOfOurs(origin: string | undefined): boolean {
    return origin !== undefined && this.#front.origins.includes(origin);
  }

  /** What a request for another machine, or from a strange page, is answered. */
  refusalOfPlace({ headers, isClosed, isForPeople }: Arrival): Response | undefined {
    const more = isClosed ? this.#hostnames : [];
    if (more !== undefined) {
      const host = validateHostHeader(headers.get("host"), [
        ...localhostAllowedHostnames(),
        ...more,
      ]);
      if (!host.ok) {
        return refused(`${oneLine(host.message)}. ${isClosed ? NAME_HOSTS : ONLY_LOCAL}`);
      }
    }
    const origin = headers.get("origin") ?? undefined;
    if (isClosed && this.isOfOurs(origin)) return undefined;
    if (isForPeople && isOwn(origin, headers.get("host"))) return undefined;
    const local = this.#isLoopback ? localhostAllowedOrigins() : [];
    const judged = validateOriginHeader(origin, local);
    if (judged.ok) return undefined;
    return refused(`${oneLine(judged.message)}. ${isClosed ? NAME_ORIGINS : ONLY_LOCAL}`);
  }

  /** What a request is answered that came through somebody whose word is not taken. */
  refusalOfWay({ headers, address, isClosed }: Arrival): Response | undefined {
    if (isClosed && this.#front.isProxy(address)) return undefined;
    const header = forwardingHeader(headers.keys());
    if (header === undefined) return undefined;
    const what = `The request was passed on by a proxy: it carries \`${header}\`.`;
    return refused(`${what} ${isClosed ? NAME_PROXIES : ONLY_LOCAL}`);
  }
}

/** Whether an origin is that of the server itself, by the name that it was called by. */
function isOwn(origin: string | undefined, host: string | null): boolean {
  if (origin === undefined || host === null || !canParseUrl(origin)) return false;
  return new URL(origin).host === host.toLowerCase();
}

const NAME_HOSTS = "LONGCAT_MCP_ALLOWED_HOSTS names the hosts that are answered.";
const NAME_ORIGINS = "LONGCAT_MCP_ALLOWED_ORIGINS names the origins of pages that are answered.";
const NAME_PROXIES =
  "Only the proxies that LONGCAT_MCP_TRUSTED_PROXIES names may pass requests on to this port.";
