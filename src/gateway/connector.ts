import { type LookupAddress, type LookupOptions, lookup } from "node:dns";
import { isIP } from "node:net";
import { buildConnector } from "undici";
import { isPublicAddress } from "../core/host-addresses.ts";
import { RefusedAddress } from "./refused-address.ts";

type LookupCallback = (
  error: NodeJS.ErrnoException | null,
  address: string | LookupAddress[],
  family?: number,
) => void;

/**
 * A connector that reaches public addresses only. The check is made on the addresses that the
 * socket is about to use, so a name that resolves differently the second time gains nothing.
 * Literals are checked apart: undici asks no resolver for them.
 */
export function checkedConnector(timeoutMs: number): buildConnector.connector {
  const connect = buildConnector({ timeout: timeoutMs, lookup: lookupPublic });
  return (options, callback) => {
    const literal = options.hostname.replace(/^\[|\]$/g, "");
    if (isIP(literal) !== 0 && !isPublicAddress(literal)) {
      callback(new RefusedAddress(`${literal} is not a public address`), null);
      return;
    }
    connect(options, callback);
  };
}

function lookupPublic(hostname: string, options: LookupOptions, callback: LookupCallback): void {
  lookup(hostname, { ...options, all: true }, (error, addresses) => {
    if (error) return callback(error, []);
    const refused = addresses.find(({ address }) => !isPublicAddress(address));
    if (refused) {
      const reason = `${hostname} resolves to ${refused.address}, which is not a public address`;
      return callback(new RefusedAddress(reason), []);
    }
    if (options.all) return callback(null, addresses);
    const first = addresses[0];
    return first
      ? callback(null, first.address, first.family)
      : callback(new RefusedAddress(`${hostname} has no address`), []);
  });
}
