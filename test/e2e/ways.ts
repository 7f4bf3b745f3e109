import { TRANSPORTS } from "./harness.ts";
import { CLIENTS } from "./mcp-client.ts";

const ALL = CLIENTS.flatMap((kind) => TRANSPORTS.map((transport) => ({ kind, transport })));
/** By hand: all that is tried with each client and each way in is tried with all four pairs. */
const EVERY = process.env["EVERY_WAY"] === "1";

/**
 * Each client, and each way in. What may differ between all four pairs is always tried with all of
 * them: a job's whole life, every operation, whoever is asked.
 */
export const WAYS = ALL.filter(
  ({ kind, transport }) => EVERY || (kind === "sdk 1.x") === (transport === "stdio"),
);

/** Of many cases those that are tried one way, where each is tried one way only: by turns. */
export function casesOf<T>(way: (typeof WAYS)[number], cases: readonly T[]): T[] {
  const place = WAYS.indexOf(way);
  return cases.filter((_, n) => EVERY || n % WAYS.length === place);
}
