import { DEFAULT_PORTS } from "../settings/commands.ts";
import type { Settings } from "../settings/settings.ts";
import type { Ending } from "./ending.ts";

/** The imitated provider; port 0 takes any free one. */
export async function startSandbox(speed: number, port = 0) {
  const sandbox = await import("../sandbox/sandbox-server.ts");
  return sandbox.startSandbox({ speed, port });
}

/** Runs the imitated provider alone until a signal ends it. */
export async function serveSandbox(settings: Settings, ending: Ending): Promise<void> {
  // First: whoever sees it listen may end it at once.
  ending.onSignals();
  const sandbox = await startSandbox(settings.sandboxSpeed, settings.port ?? DEFAULT_PORTS.sandbox);
  process.stderr.write(
    `The sandbox listens on ${sandbox.origin}\n` +
      `Point a client at it with PIXAZO_BASE_URL=${sandbox.origin} or LONGCAT_BASE_URL=${sandbox.origin} and any key.\n`,
  );
  ending.closeWith(() => sandbox.close());
}
