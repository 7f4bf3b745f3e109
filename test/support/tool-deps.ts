import { AppError } from "../../src/core/errors.ts";
import { Lazy } from "../../src/core/lazy.ts";
import { createLog, type Log } from "../../src/core/log.ts";
import { createRedact } from "../../src/core/redact.ts";
import { readSettings, type Settings } from "../../src/settings/settings.ts";
import type { ToolDeps } from "../../src/tools/services.ts";
import { FakeClock } from "./fake-clock.ts";

export const silentLog: Log = createLog("silent", createRedact([]), () => {});

/** Settings as they are where nothing is set. */
export function defaultSettings(): Settings {
  return readSettings({
    env: { HOME: "/home/somebody" },
    flags: {},
    platform: "linux",
    workingDir: "/home/somebody/work",
    readFile: () => "",
  });
}

/** What tools are made with, where nothing behind them is asked for anything. */
export function idleToolDeps(): ToolDeps {
  return {
    services: new Lazy(() => Promise.reject(new AppError("internal", "Nothing stands here."))),
    settings: defaultSettings(),
    clock: new FakeClock(),
    log: silentLog,
    redact: createRedact([]),
    reached: () => {},
  };
}
