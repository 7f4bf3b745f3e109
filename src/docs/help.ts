import { COMMAND_HELP, COMMANDS } from "../settings/commands.ts";
import { SETTINGS, type SettingSpec } from "../settings/specs.ts";

const COLUMN = 30;

/** What `--help` prints, made from the settings themselves. */
export function helpText(): string {
  const specs: readonly SettingSpec[] = Object.values(SETTINGS);
  const flags = specs.filter((spec) => spec.flag !== undefined);
  return [
    "longcat-mcp: image models and durable image jobs for AI assistants, over MCP",
    "",
    "Usage: longcat-mcp [command] [options]",
    "",
    "Commands",
    ...COMMANDS.map((name) => row(name, COMMAND_HELP[name])),
    "",
    "Options",
    ...flags.map((spec) => row(flagUsage(spec), forCommands(spec))),
    row("--version", "print the version"),
    row("--help", "print this"),
    "",
    "Environment",
    ...specs.map((spec) => row(spec.env, `${forCommands(spec)} [${spec.defaultText}]`)),
    "",
    "API keys are read from the environment or from the files that PIXAZO_API_KEY_FILE and",
    "LONGCAT_API_KEY_FILE name.",
    "HTTPS_PROXY, HTTP_PROXY, NO_PROXY and NODE_EXTRA_CA_CERTS are honoured.",
    "",
  ].join("\n");
}

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
