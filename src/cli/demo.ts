import type { Settings } from "../settings/settings.ts";
import type { Ending } from "./ending.ts";
import { startOfThis } from "./surroundings.ts";

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
    environment: env,
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
