import { join } from "node:path";
import { isLoopbackHost } from "../core/addresses.ts";
import { systemClock } from "../core/clock.ts";
import { AppError } from "../core/errors.ts";
import type { Log } from "../core/log.ts";
import { HOSTED_FOLDER, HOSTED_PATH, HostedFolder } from "../media/hosted-folder.ts";
import type { PublicPlace } from "../runtime.ts";
import type { Settings } from "../settings/settings.ts";
import { PublicListener } from "../transports/public.ts";

const PROBE_MS = 5_000;

/**
 * What a tunnel or reverse proxy may lead to: a port that serves hosted files and nothing else.
 * @param serverPort where MCP is served over HTTP; `undefined` on stdio.
 */
export function publicPlace(
  settings: Settings,
  holder: string,
  serverPort: number | undefined,
  log: Log,
): PublicPlace & { close(): Promise<void> } {
  const folder = new HostedFolder(join(settings.dataDir, HOSTED_FOLDER), holder);
  const listener = new PublicListener({
    ports: portsOf(settings, serverPort),
    basePath: settings.publicUrl ? new URL(settings.publicUrl).pathname.replace(/\/+$/, "") : "",
    routes: [
      {
        prefix: HOSTED_PATH,
        answer: (request, response, name) => folder.answer(request, response, name),
      },
    ],
    isOurs: async (origin) => {
      const url = origin + HOSTED_PATH + folder.probeName();
      const signal = AbortSignal.timeout(PROBE_MS);
      const reply = await fetch(url, { method: "HEAD", redirect: "error", signal }).catch(
        () => null,
      );
      return reply?.ok === true;
    },
    clock: systemClock,
    onError: (error) => log.warn({ err: error }, "public port"),
  });
  return {
    folder,
    isConfigured: settings.publicPort !== undefined || serverPort !== undefined,
    open: () => listener.open(),
    require: () => listener.require(),
    close: () => listener.close(),
  };
}

/** @throws {configuration} when the public address leads to MCP itself. */
export function refuseServerPort({ publicUrl }: Settings, serverPort: number): void {
  const url = publicUrl === undefined ? undefined : new URL(publicUrl);
  if (!url || !isLoopbackHost(url.hostname) || url.port !== String(serverPort)) return;
  throw new AppError(
    "configuration",
    `LONGCAT_MCP_PUBLIC_URL leads to port ${serverPort}, where MCP is served. Public files have a port of their own: ${serverPort + 1}, or that of LONGCAT_MCP_PUBLIC_PORT.`,
  );
}

/** Over HTTP the port above the server's, for which somebody may have to make way. */
function portsOf(settings: Settings, serverPort: number | undefined): number[] {
  const { publicPort, publicUrl, port } = settings;
  if (publicPort !== undefined) return [publicPort];
  const above = serverPort === undefined || serverPort >= 65_535 ? [] : [serverPort + 1];
  // Nobody can have aimed a tunnel above a port that was free by chance.
  const isAimedAt = publicUrl !== undefined && port !== 0;
  return isAimedAt && above.length > 0 ? above : [...above, 0];
}
