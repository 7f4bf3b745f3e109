import { BlockList, isIP } from "node:net";
import { isLoopbackHost } from "../../core/host-addresses.ts";

/** What stands in front of the server, and what it is called there. */
export interface Front {
  /** Names in `Host`, beside those of this machine where it listens for this machine. */
  hosts: readonly string[];
  /** The name that is known of it outside, if any is. */
  outside?: string | undefined;
  /** Origins of web pages that may call, as browsers write them. */
  origins: readonly string[];
  /** Whose word is taken that a request was passed on. */
  isProxy: (address: string) => boolean;
}

/** Nothing: clients on this machine connect to the port. */
export const NO_FRONT: Front = { hosts: [], origins: [], isProxy: () => false };

/** Whether an address stands for all of a machine's. */
export function isAnyAddress(host: string): boolean {
  return host === "0.0.0.0" || /^\[?(?:0*:)*:?0*\]?$/.test(host);
}

/**
 * What `Host` may name, in the form of `URL.hostname`.
 * @returns `undefined` where it may name anything: the machine has more addresses than we know of.
 */
export function hostnamesOf(
  { hosts, outside }: Front,
  host: string,
): readonly string[] | undefined {
  const more = outside === undefined ? [] : [outside];
  if (hosts.length > 0 || isLoopbackHost(host)) return [...hosts, ...more];
  return isAnyAddress(host) ? undefined : [host.includes(":") ? `[${host}]` : host, ...more];
}

/** An address as it is usually written: what comes by IPv4 to a socket for both is called IPv6. */
export function plainAddress(address: string): string {
  return address.replace(/^::ffff:(?=\d+\.)/i, "").replace(/%.*$/, "");
}

/**
 * Whether an address is in one of some ranges.
 * @param ranges addresses, or networks as `10.0.0.0/8`
 */
export function inRanges(ranges: readonly string[]): (address: string) => boolean {
  const list = new BlockList();
  for (const range of ranges) {
    const [address = "", bits] = range.split("/");
    const family = isIP(address) === 6 ? "ipv6" : "ipv4";
    if (bits === undefined) list.addAddress(address, family);
    else list.addSubnet(address, Number(bits), family);
  }
  return (address) => {
    const plain = plainAddress(address);
    const family = isIP(plain);
    return family !== 0 && list.check(plain, family === 6 ? "ipv6" : "ipv4");
  };
}
