import { BlockList, isIP } from "node:net";

/*
 * Addresses that no public file lives at (IANA special-purpose registries, IPv4 and IPv6). IPv6
 * forms that carry an IPv4 address (mapped, NAT64, 6to4, Teredo) are refused whole: a public
 * server has a plain address.
 */
const SPECIAL = new BlockList();
for (const [network, prefix] of [
  ["0.0.0.0", 8],
  ["10.0.0.0", 8],
  ["100.64.0.0", 10],
  ["127.0.0.0", 8],
  ["169.254.0.0", 16],
  ["172.16.0.0", 12],
  ["192.0.0.0", 24],
  ["192.0.2.0", 24],
  ["192.88.99.0", 24],
  ["192.168.0.0", 16],
  ["198.18.0.0", 15],
  ["198.51.100.0", 24],
  ["203.0.113.0", 24],
  ["224.0.0.0", 3],
] as const) {
  SPECIAL.addSubnet(network, prefix, "ipv4");
}
/** Global unicast is 2000::/3; everything outside it is special, and so are these parts of it. */
const GLOBAL_V6 = new BlockList();
GLOBAL_V6.addSubnet("2000::", 3, "ipv6");
for (const [network, prefix] of [
  ["2001::", 23],
  ["2001:db8::", 32],
  ["2002::", 16],
  ["3fff::", 20],
] as const) {
  SPECIAL.addSubnet(network, prefix, "ipv6");
}

/** Whether a literal IP address can be that of a public server. */
export function isPublicAddress(address: string): boolean {
  const bare = address.replace(/^\[|\]$/g, "").replace(/%.*$/, "");
  const family = isIP(bare);
  if (family === 4) return !SPECIAL.check(bare, "ipv4");
  if (family === 6) return GLOBAL_V6.check(bare, "ipv6") && !SPECIAL.check(bare, "ipv6");
  return false;
}

/** Whether a URL's host name is loopback by itself, without asking any resolver. */
export function isLoopbackHost(hostname: string): boolean {
  const bare = bareHost(hostname);
  return bare === "localhost" || bare === "::1" || (isIP(bare) === 4 && bare.startsWith("127."));
}

/** Names that resolve on one machine or in one network only, and those kept for such use. */
const LOCAL_SUFFIXES = [
  "localhost",
  "localdomain",
  "local",
  "internal",
  "intranet",
  "private",
  "corp",
  "home",
  "home.arpa",
  "lan",
];

/**
 * Whether a host is seen by this machine or its network only, as far as its name tells: no resolver
 * is asked.
 * @param hostname as `URL.hostname` gives it, where every spelling of an IPv4 address is the same.
 */
export function isLocalHost(hostname: string): boolean {
  const bare = bareHost(hostname);
  if (isIP(bare.replace(/%.*$/, "")) !== 0) return !isPublicAddress(bare);
  return !bare.includes(".") || LOCAL_SUFFIXES.some((suffix) => bare.endsWith(`.${suffix}`));
}

/** Without the brackets of an IPv6 address and the dot that may end a name. */
function bareHost(hostname: string): string {
  return hostname
    .replace(/^\[|\]$/g, "")
    .replace(/\.+$/, "")
    .toLowerCase();
}
