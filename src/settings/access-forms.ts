import { isIP } from "node:net";
import * as z from "zod";
import { canParseUrl } from "../core/can-parse-url.ts";
import { isLoopbackHost } from "../core/host-addresses.ts";
import { oneLine } from "../core/text.ts";
import { url } from "./base-urls.ts";

/* What the settings may be that say who calls over HTTP, and what stands in front. */

const NAME = /^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$/;

/** A list whose entries are each made into something, or found wrong. */
function listOf<T>(readOne: (entry: string) => T | undefined, wanted: string) {
  return z.string().transform((value, context): T[] => {
    const entries = value.split(/[\s,]+/).filter((entry) => entry !== "");
    return entries.flatMap((entry) => {
      const read = readOne(entry);
      if (read !== undefined) return [read];
      const message = `names "${oneLine(entry, 60)}"; it must be ${wanted}, separated by commas`;
      context.addIssue({ code: "custom", message });
      return [];
    });
  });
}

/** Host names as `URL.hostname` has them; a port behind one is left out. */
export const hostNames = listOf((entry) => {
  const text = isIP(entry) === 6 ? `[${entry}]` : entry;
  if (text.includes("/") || !canParseUrl(`http://${text}`)) return undefined;
  const { hostname, username, search, hash } = new URL(`http://${text}`);
  if (username !== "" || search !== "" || hash !== "") return undefined;
  return hostname.startsWith("[") || NAME.test(hostname) ? hostname : undefined;
}, "host names such as mcp.example.com");

/** Origins, as browsers send them. */
export const origins = listOf((entry) => {
  if (!/^https?:\/\//i.test(entry) || !canParseUrl(entry)) return undefined;
  const { origin, href } = new URL(entry);
  return href === `${origin}/` && !/[?#*]/.test(entry) ? origin : undefined;
}, "origins such as https://app.example.com");

/** Addresses, and networks such as `10.0.0.0/8`. */
export const addressRanges = listOf((entry) => {
  const [address = "", bits, ...more] = entry.split("/");
  const family = isIP(address);
  if (family === 0 || more.length > 0) return undefined;
  if (bits === undefined) return entry;
  const isWidth = /^\d{1,3}$/.test(bits) && Number(bits) <= (family === 4 ? 32 : 128);
  return isWidth ? entry : undefined;
}, "addresses or networks such as 10.0.0.0/8");

/** An address, or a name of this machine, to listen on. */
export const listeningHost = z
  .string()
  .transform((value) => value.replace(/^\[(.*)\]$/, "$1").toLowerCase())
  .refine((value) => isIP(value) !== 0 || (NAME.test(value) && !/^[\d.]+$/.test(value)), {
    error: "must be an address of this machine, such as 127.0.0.1 or 0.0.0.0",
  });

const IN_CLEAR = "must be an https URL, since tokens travel there";
const isSafe = (value: string) => {
  const { protocol, hostname } = new URL(value);
  return protocol === "https:" || isLoopbackHost(hostname);
};

/** As the issuer writes itself: its tokens are compared with it to the letter. */
export const issuer = z
  .string()
  .refine((value) => url.safeParse(value).success, {
    error: "must be an https URL without user name, ? and #",
    abort: true,
  })
  .refine(isSafe, { error: IN_CLEAR });

/** An outside address of this server. */
export const audience = url.refine(isSafe, { error: IN_CLEAR });
