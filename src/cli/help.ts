import {
  ACTIONS,
  type Action,
  COMMAND_HELP,
  COMMAND_OPTIONS,
  COMMAND_WORDS,
  COMMANDS,
  type Command,
  HOST_NAMES,
  isRead,
} from "../settings/commands.ts";
import { SETTINGS, type SettingSpec, shownDefault } from "../settings/specs.ts";

const COLUMN = 30;

const specs: readonly SettingSpec[] = Object.values(SETTINGS);

/**
 * What `--help` prints, made from the settings themselves; of one command, or of the program.
 * @param start the words that start this program.
 */
export function helpText(command: Command | undefined, start: string): string {
  return (command === undefined ? programPage(start) : commandPage(command, start)).join("\n");
}

function programPage(start: string): string[] {
  return [
    "longcat-mcp: image models and durable image jobs for AI assistants, over MCP",
    "",
    `Usage: ${start} [command] [options]`,
    "",
    "Commands",
    ...COMMANDS.map((name) => row(name, COMMAND_HELP[name])),
    row("help [command]", "print this, or the page of a command"),
    "",
    ...options(specs, forCommands),
    "",
    "Environment",
    ...specs.map((spec) => row(spec.env, `${forCommands(spec)} [${shownDefault(spec)}]`)),
    "",
    ...KEYS,
    "",
  ];
}

function commandPage(command: Command, start: string): string[] {
  const read = specs.filter((spec) => isRead(spec, command));
  const known = ACTIONS[command];
  const words = COMMAND_WORDS[command];
  return [
    `longcat-mcp ${command}: ${COMMAND_HELP[command]}`,
    "",
    `Usage: ${[start, command, ...(words ? [words] : [])].join(" ")} [options]`,
    "",
    ...(known ? [...actions(known), ""] : []),
    ...(words === COMMAND_WORDS.install ? ["Hosts", `  ${HOST_NAMES.join(", ")}`, ""] : []),
    ...options(read, ({ help }) => help, command),
    "",
    "Environment",
    ...read.map((spec) => row(spec.env, `${spec.help} [${shownDefault(spec)}]`)),
    "",
    ...(read.some(({ secret }) => secret) ? [...KEYS, ""] : []),
  ];
}

function actions(known: Readonly<Record<string, Action>>): string[] {
  const rows = Object.entries(known).map(([name, { words, help }]) => row(name + words, help));
  return ["Actions", ...rows];
}

function options(
  read: readonly SettingSpec[],
  describe: (spec: SettingSpec) => string,
  command?: Command,
): string[] {
  const own = COMMAND_OPTIONS.filter(({ commands }) => !command || commands.includes(command));
  return [
    "Options",
    ...read
      .filter(({ flag }) => flag !== undefined)
      .map((spec) => row(flagUsage(spec), describe(spec))),
    ...own.map(({ flag, help, commands, value }) =>
      row(
        value === undefined ? `--${flag}` : `--${flag} <${value}>`,
        command ? help : `${help} (${commands.join(", ")})`,
      ),
    ),
    ...(command ? [] : [row("--version", "print the version")]),
    row("--help", "print this"),
  ];
}

const KEYS = [
  "API keys are read from the environment or from the files that PIXAZO_API_KEY_FILE and",
  "LONGCAT_API_KEY_FILE name.",
  "HTTPS_PROXY, HTTP_PROXY, ALL_PROXY and NO_PROXY are read as curl reads them, and",
  "NODE_EXTRA_CA_CERTS is honoured.",
];

function flagUsage(spec: SettingSpec): string {
  return spec.flag === SETTINGS.sandbox.flag ? `--${spec.flag}` : `--${spec.flag} <value>`;
}

function forCommands(spec: SettingSpec): string {
  return spec.commands ? `${spec.help} (${spec.commands.join(", ")})` : spec.help;
}

function row(name: string, help: string): string {
  const label = `  ${name}`;
  return label.length < COLUMN
    ? label.padEnd(COLUMN) + help
    : `${label}\n${" ".repeat(COLUMN)}${help}`;
}
