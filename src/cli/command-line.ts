import { parseArgs } from "node:util";
import { AppError } from "../core/errors.ts";
import { COMMANDS, type Command } from "../settings/commands.ts";
import { SETTINGS } from "../settings/specs.ts";

export interface CommandLine {
  command: Command;
  /** What follows the command. */
  words: string[];
  flags: Record<string, string | undefined>;
}

/** What the words after the program's name ask for. @throws {configuration} */
export function readCommandLine(argv: readonly string[]): CommandLine | "help" | "version" {
  const specs = Object.values(SETTINGS).flatMap((spec) => ("flag" in spec ? [spec.flag] : []));
  const isSwitch = (flag: string) => flag === SETTINGS.sandbox.flag;
  const options = Object.fromEntries(
    specs.map((flag) => [flag, { type: isSwitch(flag) ? "boolean" : "string" } as const]),
  );
  let parsed: ReturnType<typeof parseArgs>;
  try {
    parsed = parseArgs({
      args: [...argv],
      options: { ...options, help: { type: "boolean", short: "h" }, version: { type: "boolean" } },
      allowPositionals: true,
    });
  } catch (error) {
    const reason = error instanceof Error ? error.message : "unreadable arguments";
    throw new AppError("configuration", `${reason} \`longcat-mcp --help\` lists what there is.`);
  }
  if (parsed.values["help"]) return "help";
  if (parsed.values["version"]) return "version";
  const [name = "stdio", ...words] = parsed.positionals;
  const command = COMMANDS.find((known) => known === name);
  if (!command || (words.length > 0 && command !== "jobs")) {
    const wrong = command ? words[0] : name;
    throw new AppError(
      "configuration",
      `"${wrong}" is not a command. There are ${COMMANDS.join(", ")}.`,
    );
  }
  const flags = Object.fromEntries(
    Object.entries(parsed.values).map(([flag, value]) => [flag, String(value)]),
  );
  return { command, words, flags };
}
