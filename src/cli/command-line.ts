import { parseArgs } from "node:util";
import { AppError } from "../core/errors.ts";
import { oneLine } from "../core/text.ts";
import { nearMiss } from "../models/near-miss.ts";
import {
  COMMAND_OPTIONS,
  COMMAND_WORDS,
  COMMANDS,
  type Command,
  isRead,
} from "../settings/commands.ts";
import { SETTINGS, type SettingSpec } from "../settings/specs.ts";

export type CommandLine =
  | { kind: "version" }
  /** The page of a command, or the program's. */
  | { kind: "help"; command: Command | undefined }
  | {
      kind: "run";
      command: Command;
      /** What follows the command. */
      words: string[];
      flags: Record<string, string | undefined>;
    };

interface Option {
  flag: string;
  /** Whether it stands alone. */
  isSwitch: boolean;
  isFor: (command: Command) => boolean;
}

const specs: readonly SettingSpec[] = Object.values(SETTINGS);
const OPTIONS: readonly Option[] = [
  ...specs.flatMap((spec) => {
    const { flag } = spec;
    const isSwitch = flag === SETTINGS.sandbox.flag;
    return flag ? [{ flag, isSwitch, isFor: (command: Command) => isRead(spec, command) }] : [];
  }),
  // One option may mean something else to another command.
  ...COMMAND_OPTIONS.map(({ flag, value }) => ({
    flag,
    isSwitch: value === undefined,
    isFor: (command: Command) =>
      COMMAND_OPTIONS.some((one) => one.flag === flag && one.commands.includes(command)),
  })),
  ...["help", "version"].map((flag) => ({ flag, isSwitch: true, isFor: () => true })),
];

/** What the words after the program's name ask for. @throws {configuration} */
export function readCommandLine(argv: readonly string[]): CommandLine {
  const { tokens } = parseArgs({
    args: [...argv],
    options: Object.fromEntries(
      OPTIONS.map(({ flag, isSwitch }) => [
        flag,
        {
          type: isSwitch ? "boolean" : "string",
          ...(flag === "help" ? { short: "h" } : {}),
        } as const,
      ]),
    ),
    allowPositionals: true,
    strict: false,
    tokens: true,
  });
  const given = tokens.flatMap((token) =>
    token.kind === "option" ? [{ ...optionOf(token.rawName, token.name), ...valueIn(token) }] : [],
  );
  const words = tokens.flatMap((token) => (token.kind === "positional" ? [token.value] : []));
  const wants = (flag: string) => given.some((one) => one.flag === flag);
  if (wants("version") || words[0] === "version") return { kind: "version" };
  if (words[0] === "help") {
    return { kind: "help", command: words[1] === undefined ? undefined : commandOf(words[1]) };
  }
  const [name, ...more] = words;
  const command = name === undefined ? COMMANDS[0] : commandOf(name);
  if (wants("help") || more[0] === "help") {
    return { kind: "help", command: name === undefined ? undefined : command };
  }
  if (more[0] !== undefined && COMMAND_WORDS[command] === undefined) {
    throw wrong(
      `"${oneLine(more[0], 60)}" means nothing to ${command}, which takes options only`,
      command,
    );
  }
  const foreign = given.find(({ isFor }) => !isFor(command));
  if (foreign) throw wrong(`--${foreign.flag} is no option of ${command}`, command);
  return {
    kind: "run",
    command,
    words: more,
    flags: Object.fromEntries(given.map(({ flag, value }) => [flag, value])),
  };
}

function optionOf(rawName: string, name: string): Option {
  const known = OPTIONS.find(({ flag }) => flag === name);
  if (known) return known;
  const flags = [...new Set(OPTIONS.map(({ flag }) => flag))];
  const meant = nearMiss(name, flags);
  const hint = meant
    ? `Did you mean --${meant}?`
    : `There are ${flags.map((flag) => `--${flag}`).join(", ")}.`;
  throw new AppError("configuration", `${oneLine(rawName, 60)} is not an option. ${hint}`);
}

function valueIn(token: {
  name: string;
  value?: string | undefined;
  inlineValue?: boolean | undefined;
}): {
  value: string;
} {
  const isSwitch = OPTIONS.find(({ flag }) => flag === token.name)?.isSwitch;
  if (isSwitch) return { value: token.value ?? "true" };
  const isAnother = !token.inlineValue && token.value?.startsWith("-");
  if (token.value === undefined || isAnother) {
    throw new AppError(
      "configuration",
      `--${token.name} needs a value, as in --${token.name}=VALUE.`,
    );
  }
  return { value: token.value };
}

function commandOf(name: string): Command {
  const command = COMMANDS.find((known) => known === name);
  if (command) return command;
  const meant = nearMiss(name, COMMANDS);
  const hint = meant ? `Did you mean ${meant}? ` : "";
  throw new AppError(
    "configuration",
    `"${oneLine(name, 60)}" is not a command. ${hint}There are ${COMMANDS.join(", ")}.`,
  );
}

function wrong(what: string, command: Command): AppError {
  return new AppError(
    "configuration",
    `${what}; \`longcat-mcp ${command} --help\` lists what it takes.`,
  );
}
