import { lookup } from "node:dns/promises";
import { isLocalHost, isPublicAddress } from "../core/host-addresses.ts";

/** Asks a resolver for the addresses of a host. */
export type Resolve = (hostname: string) => Promise<readonly string[]>;

const resolveByDns: Resolve = async (hostname) =>
  (await lookup(hostname, { all: true })).map(({ address }) => address);

/**
 * Whether somebody elsewhere can reach a host, as far as can be seen from here: by its name, and by
 * what the resolver says of it. A resolver that says nothing may be asked through a proxy.
 * @param hostname as `URL.hostname` has it.
 */
export async function isSeenOutside(hostname: string, resolve = resolveByDns): Promise<boolean> {
  if (isLocalHost(hostname)) return false;
  const addresses = await resolve(hostname).catch(() => []);
  return addresses.length === 0 || addresses.some(isPublicAddress);
}
