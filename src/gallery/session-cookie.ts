import type { IncomingMessage } from "node:http";

/** Of sessions that several servers know: they may be at other ports behind one address. */
const SHARED_NAME = "longcat_gallery";

/** Cookies are shared by all ports of a machine: galleries on several must not end each other's. */
function nameFor(request: IncomingMessage, isShared: boolean): string {
  return isShared ? SHARED_NAME : `${SHARED_NAME}_${request.socket.localPort ?? 0}`;
}

/** The session's cookies that a request carries: of each name, where it is there once. */
function sentCookies(request: IncomingMessage): { value: string; isShared: boolean }[] {
  const given = (request.headers.cookie ?? "").split(";").map((one) => one.trim());
  return [false, true].flatMap((isShared) => {
    const wanted = `${nameFor(request, isShared)}=`;
    const values = given.filter((one) => one.startsWith(wanted));
    const [value = ""] = values;
    return values.length === 1 ? [{ value: value.slice(wanted.length), isShared }] : [];
  });
}

/** The values of the session's cookies that a request carries. */
export function sessionValues(request: IncomingMessage): string[] {
  return sentCookies(request).map(({ value }) => value);
}

/**
 * The header that gives a browser a session.
 * @param isSecure whether the browser has come by https, and is never to send it otherwise.
 */
export function sessionCookie(
  request: IncomingMessage,
  { value, seconds, isShared }: { value: string; seconds: number; isShared: boolean },
  isSecure: boolean,
): string {
  return [
    `${nameFor(request, isShared)}=${value}`,
    "Path=/",
    `Max-Age=${seconds}`,
    "HttpOnly",
    "SameSite=Strict",
    ...(isSecure ? ["Secure"] : []),
  ].join("; ");
}

/** The headers that take all sessions away from a browser that it has sent. */
export function noSessionCookies(request: IncomingMessage, isSecure: boolean): string[] {
  return sentCookies(request).map(({ isShared }) =>
    sessionCookie(request, { value: "", seconds: 0, isShared }, isSecure),
  );
}
