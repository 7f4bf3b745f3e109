import {
  ACTIONS,
  COMMAND_HELP,
  COMMAND_OPTIONS,
  COMMANDS,
  HOST_NAMES,
} from "../settings/commands.ts";
import { code, table } from "./markdown.ts";

/** What the program can be told to do on the command line. */
export function commandsTable(): string {
  return table(
    ["Command", "What it does"],
    COMMANDS.flatMap((command) => [
      [code(command), COMMAND_HELP[command]],
      ...Object.entries(ACTIONS[command] ?? {}).map(([action, { words, help }]) => [
        code(`${command} ${action}${words}`),
        help,
      ]),
      ...(command === "install" || command === "uninstall"
        ? [[code(`${command} HOST`), HOST_NAMES.map(code).join(", ")]]
        : []),
      ...COMMAND_OPTIONS.filter(({ commands }) => commands.includes(command)).map(
        ({ flag, help }) => [code(`${command} --${flag}`), help],
      ),
    ]),
  );
}
