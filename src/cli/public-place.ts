import { join } from "node:path";
import { systemClock } from "../core/clock.ts";
import { AppError } from "../core/errors.ts";
import { isLoopbackHost } from "../core/host-addresses.ts";
import type { Log } from "../core/log.ts";
import { portAbove } from "../core/public-port.ts";
import { HOSTED_FOLDER, HOSTED_PATH, HostedFolder } from "../inputs/hosted-folder.ts";
import type { PublicPlace } from "../inputs/public-address.ts";
import type { Settings } from "../settings/settings.ts";
import { PublicListener, type PublicRoute } from "../transports/public-listener.ts";

const PROBE_MS = 3_000;
/** What every refusal of the server's own port names. */
const OWN_PORT = /LONGCAT_MCP_PUBLIC_PORT/;

/**
 * What a tunnel or reverse proxy may lead to: a port that serves what is public and nothing else.
 * @param routes beside that of hosted files.
 * @param serverPort where MCP is served over HTTP; `undefined` on stdio.
 */
export function publicPlace(
  settings: Settings,
  holder: string,
  serverPort: number | undefined,
  routes: readonly PublicRoute[],
  log: Log,
): PublicPlace & { close(): Promise<void> } {
  const folder = new HostedFolder(join(settings.dataDir, HOSTED_FOLDER), holder);
  const listener = new PublicListener({
    host: serverPort === undefined ? "127.0.0.1" : settings.host,
    ports: portsOf(settings, serverPort),
    basePath: settings.publicUrl ? new URL(settings.publicUrl).pathname.replace(/\/+$/, "") : "",
    routes: [
      {
        prefix: HOSTED_PATH,
        answer: (request, response, name) => folder.answer(request, response, name),
      },
      ...routes,
    ],
    isOurs: async (origin) => {
      const url = origin + HOSTED_PATH + (await folder.names.probeName());
      const signal = AbortSignal.timeout(PROBE_MS);
      const reply = await fetch(url, { method: "HEAD", redirect: "error", signal }).catch(
        () => null,
      );
      return reply?.ok === true;
    },
    clock: systemClock,
    onError: (error) => log.warn({ err: error }, "public port"),
  });
  const { publicUrl } = settings;
  const probe = async () => `${publicUrl}${HOSTED_PATH}${await folder.names.probeName()}`;
  let isProven = publicUrl === undefined;
  return {
    folder,
    isConfigured: settings.publicPort !== undefined || serverPort !== undefined,
    open: () => listener.open(),
    listen: () => listener.require(),
    async require() {
      await listener.require();
      if (!isProven) isProven = await leadsHere(await probe(), listener);
    },
    close: () => listener.close(),
  };
}

/**
 * A public address that still leads to the server's own port, as earlier versions wanted it, would
 * be bought with and never answered. Whether it can be reached at all is not judged from here.
 * @returns whether it was seen to lead to the public port.
 * @throws {configuration}
 */
async function leadsHere(probe: string, listener: PublicListener): Promise<boolean> {
  const signal = AbortSignal.timeout(PROBE_MS);
  const { ok, text } = await fetch(probe, { signal, redirect: "manual" })
    .then(async (reply) => ({ ok: reply.ok, text: reply.ok ? "" : await reply.text() }))
    .catch(() => ({ ok: false, text: "" }));
  if (!OWN_PORT.test(text)) return ok;
  throw new AppError(
    "configuration",
    "LONGCAT_MCP_PUBLIC_URL leads to the port where MCP is served, which answers nobody from outside.",
    {
      next: `Lead the tunnel to ${await listener.open()}, which serves public files alone; nothing was sent.`,
    },
  );
}

/** @throws {configuration} when the public address leads to MCP itself. */
export function refuseServerPort({ publicUrl }: Settings, serverPort: number): void {
  const url = publicUrl === undefined ? undefined : new URL(publicUrl);
  if (!url || !isLoopbackHost(url.hostname) || url.port !== String(serverPort)) return;
  throw new AppError(
    "configuration",
    `LONGCAT_MCP_PUBLIC_URL leads to port ${serverPort}, where MCP is served. Public files have a port of their own: ${portAbove(serverPort)}, or that of LONGCAT_MCP_PUBLIC_PORT.`,
  );
}

/** Unset, one for which somebody may have to make way. */
function portsOf(settings: Settings, serverPort: number | undefined): number[] {
  const { publicPort, publicUrl, port } = settings;
  if (publicPort !== undefined) return [publicPort];
  const above = serverPort === undefined ? [] : [portAbove(serverPort) ?? []].flat();
  // Nobody can have aimed a tunnel above a port that was free by chance.
  const isAimedAt = publicUrl !== undefined && port !== 0;
  return isAimedAt && above.length > 0 ? above : [...above, 0];
}
