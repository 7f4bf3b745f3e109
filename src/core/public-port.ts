/* Where the port for what is public is, unless it is set. */

/** In words, as help and errors say it. */
export const PUBLIC_PORT_UNSET = "over HTTP the port above the server's";

/** @returns `undefined` where there is no port above. */
export function portAbove(serverPort: number): number | undefined {
  return serverPort < 65_535 ? serverPort + 1 : undefined;
}
