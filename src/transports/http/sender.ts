import { isIP } from "node:net";
import { plainAddress } from "./in-front.ts";

/** Further back than that nobody is looked for. */
const MOST_HOPS = 32;
const FOR = /(?:^|;)\s*for\s*=\s*("?)([^";]*)\1\s*(?:;|$)/i;
const BRACKETED = /^\[([^\]]*)\](?::\d+)?$/;
const WITH_PORT = /^([^:]*):\d+$/;

/**
 * From where a request came: where proxies whose word is taken say so, the last one before them.
 * For the log of what was refused only; who calls is never told from it.
 * @param address of the other end of the connection
 * @returns an address, whatever a header says
 */
export function senderOf(
  address: string,
  headers: Headers,
  isProxy: (address: string) => boolean,
): string {
  let sender = plainAddress(address);
  for (const hop of hopsIn(headers)) {
    if (!isProxy(sender)) break;
    // What is no address was written by nobody who is believed.
    if (isIP(hop) === 0) break;
    sender = plainAddress(hop);
  }
  return sender;
}

/** Whom each proxy says it was asked by, the nearest first. */
function hopsIn(headers: Headers): string[] {
  const list = headers.get("x-forwarded-for");
  const hops =
    list?.split(",") ??
    headers
      .get("forwarded")
      ?.split(",")
      .map((one) => FOR.exec(one)?.[2] ?? "") ??
    (headers.get("x-real-ip") ?? "").split(",");
  return hops
    .slice(-MOST_HOPS)
    .reverse()
    .map((one) => withoutPort(one.trim()));
}

function withoutPort(hop: string): string {
  return BRACKETED.exec(hop)?.[1] ?? WITH_PORT.exec(hop)?.[1] ?? hop;
}
