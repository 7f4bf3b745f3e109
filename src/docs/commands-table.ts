import {
  COMMAND_HELP,
  COMMAND_OPTIONS,
  COMMANDS,
  HOST_NAMES,
  JOB_ACTIONS,
} from "../settings/commands.ts";
import { code, table } from "./markdown.ts";

/** What the program can be told to do on the command line. */
export function commandsTable(): string {
  return table(
    ["Command", "What it does"],
    COMMANDS.flatMap((command) => [
      [code(command), COMMAND_HELP[command]],
      ...(command === "jobs"
        ? Object.entries(JOB_ACTIONS).map(([action, { words, help }]) => [
            code(`jobs ${action}${words}`),
            help,
          ])
        : []),
      ...(command === "install" || command === "uninstall"
        ? [[code(`${command} HOST`), HOST_NAMES.map(code).join(", ")]]
        : []),
      ...COMMAND_OPTIONS.filter(({ commands }) => commands.includes(command)).map(
        ({ flag, help }) => [code(`${command} --${flag}`), help],
      ),
    ]),
  );
}
