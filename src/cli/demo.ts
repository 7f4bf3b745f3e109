import type { Settings } from "../settings/settings.ts";
import { SETTINGS, type SettingSpec } from "../settings/specs.ts";
import type { Ending } from "./ending.ts";
import { startOfThis } from "./surroundings.ts";

/** What of the user's settings holds for the demonstration too. */
const KEPT: readonly string[] = ["LONGCAT_MCP_OUTPUT_DIR", "LONGCAT_MCP_LOG_LEVEL"];

/** Shows the main job on the sandbox. */
export async function runDemo(settings: Settings, ending: Ending): Promise<void> {
  const { runDemo: run } = await import("../demo/demonstration.ts");
  const { stdout, argv, execPath, env } = process;
  const stopping = new AbortController();
  const running = run({
    write: (text) => stdout.write(text),
    isTerminal: stdout.isTTY === true && !env["NO_COLOR"] && env["TERM"] !== "dumb",
    // A terminal that does not know its size says 0.
    columns: stdout.columns || 80,
    program: { command: execPath, script: argv[1] ?? "" },
    start: startOfThis(),
    environment: withoutSettings(env),
    sandboxSpeed: settings.sandboxSpeed,
    signal: stopping.signal,
  });
  ending.closeWith(async () => {
    stopping.abort();
    await running;
  });
  ending.onSignals();
  process.exitCode = await running;
}

/** It needs no key, no database and no bucket, and no budget of the user's says how it goes. */
function withoutSettings(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const specs: readonly SettingSpec[] = Object.values(SETTINGS);
  const gone = specs.flatMap((spec) =>
    KEPT.includes(spec.env) ? [] : [spec.env, `${spec.env}_FILE`],
  );
  return Object.fromEntries(Object.entries(env).filter(([name]) => !gone.includes(name)));
}
