import { systemClock } from "../core/clock.ts";
import { AppError } from "../core/errors.ts";
import { Lazy } from "../core/lazy.ts";
import { createLog } from "../core/log.ts";
import { createRedact } from "../core/redact.ts";
import { readSettings } from "../settings/settings.ts";
import type { ToolDeps } from "./services.ts";

/** What tools are made with when they are only looked at: the default settings, no services. */
export function unconfiguredDeps(): ToolDeps {
  const notHere = () => {
    throw new AppError("internal", "Tools that are only looked at cannot be called.");
  };
  return {
    services: new Lazy(async () => notHere()),
    settings: readSettings({
      env: { HOME: "/home/user" },
      flags: {},
      platform: "linux",
      workingDir: "/",
      readFile: notHere,
    }),
    clock: systemClock,
    log: createLog("silent", createRedact([]), () => {}),
    redact: createRedact([]),
    reached: () => {},
  };
}
