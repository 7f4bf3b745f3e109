import type { IncomingMessage } from "node:http";

/** Cookies are shared by all ports of a machine: galleries on several must not end each other's. */
function nameFor(request: IncomingMessage): string {
  return `longcat_gallery_${request.socket.localPort ?? 0}`;
}

/** The value of the session's cookie, if a request carries one, and one alone. */
export function sessionValue(request: IncomingMessage): string | undefined {
  const wanted = `${nameFor(request)}=`;
  const values = (request.headers.cookie ?? "")
    .split(";")
    .map((one) => one.trim())
    .filter((one) => one.startsWith(wanted))
    .map((one) => one.slice(wanted.length));
  return values.length === 1 ? values[0] : undefined;
}

/**
 * The header that gives a browser a session, or takes it away.
 * @param seconds for how long; 0 takes it away.
 * @param isSecure whether the browser has come by https, and is never to send it otherwise.
 */
export function sessionCookie(
  request: IncomingMessage,
  value: string,
  seconds: number,
  isSecure: boolean,
): string {
  return [
    `${nameFor(request)}=${value}`,
    "Path=/",
    `Max-Age=${seconds}`,
    "HttpOnly",
    "SameSite=Strict",
    ...(isSecure ? ["Secure"] : []),
  ].join("; ");
}
