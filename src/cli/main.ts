import packageJson from "../../package.json" with { type: "json" };
import { type AppError, ERROR_RULES, type ErrorCode, toAppError } from "../core/errors.ts";
import { errorWords } from "../core/log.ts";
import { refuseMoved } from "../core/moved-mark.ts";
import { runnable } from "../core/program.ts";
import { SERVICE_KEYS } from "../core/service-keys.ts";
import type { Command } from "../settings/commands.ts";
import { checkSettings, soundSettings } from "../settings/settings.ts";
import { addressSecrets } from "../storage/postgres/database-address.ts";
import type { BegunConversation } from "../transports/begun-conversation.ts";
import { runAudit } from "./audit.ts";
import { readCommandLine } from "./command-line.ts";
import { runDemo } from "./demo.ts";
import { runDoctor } from "./doctor.ts";
import { Ending } from "./ending.ts";
import { helpText } from "./help.ts";
import { runInstall } from "./install.ts";
import { runJobs } from "./jobs.ts";
import { runFolders } from "./opened-places.ts";
import { serveSandbox } from "./sandbox.ts";
import { secretsOf } from "./secrets.ts";
import { serve } from "./serve.ts";
import { startOfThis, surroundings } from "./surroundings.ts";
import { runUsers } from "./users.ts";

const WRONG_USAGE = 2;
/** Commands that mean nothing without the record of jobs. */
const USE_THE_RECORD: readonly Command[] = [
  ...(["stdio", "http", "gallery", "jobs", "users", "folders", "audit"] as const),
];
const WRONG_USAGE_CODES: readonly ErrorCode[] = ["configuration", "storage", "invalid_input"];

async function main(ending: Ending, begun: BegunConversation | undefined): Promise<void> {
  // Whatever is written here, also by libraries, is its user's alone.
  process.umask(0o077);
  const commandLine = readCommandLine(process.argv.slice(2));
  if (commandLine.kind === "help") return print(helpText(commandLine.command, startOfThis()));
  if (commandLine.kind === "version") return print(`${packageJson.version}\n`);
  const { command, words, flags } = commandLine;
  const checked = checkSettings(surroundings(command, flags));
  ending.hide(secretsOf(checked.settings));
  if (command === "doctor") return runDoctor(checked, flags["online"] !== undefined);
  const settings = soundSettings(checked);
  for (const note of checked.notes) ending.say(note);
  if (USE_THE_RECORD.includes(command) && !settings.database) refuseMoved(settings.dataDir);
  switch (command) {
    case "stdio":
    case "http":
      return serve(command, settings, ending, begun);
    case "sandbox":
      return serveSandbox(settings, ending);
    case "demo":
      return runDemo(settings, ending);
    case "gallery": {
      const { runGallery } = await import("./gallery.ts");
      return runGallery(settings, { isOpened: flags["open"] !== undefined }, ending);
    }
    case "jobs":
      return runJobs({ words, flags }, settings, ending);
    case "install":
    case "uninstall":
      return runInstall(command, { words, flags }, settings, ending);
    case "users":
      return runUsers({ words, flags }, settings, ending);
    case "folders":
      return print(await runFolders(words, settings));
    case "migrate": {
      const { runMigrate } = await import("./migrate.ts");
      return runMigrate(flags, settings, ending);
    }
    case "audit":
      return runAudit(flags["since"], settings, ending);
  }
}

function print(text: string): void {
  process.stdout.write(text);
}

function fail(thrown: unknown, ending: Ending): void {
  const error = toAppError(thrown);
  const message = runnable(withAdvice(error), { start: startOfThis(), options: [] });
  ending.say(error.code === "internal" ? `${message} (${errorWords(thrown)})` : message);
  ending.end(WRONG_USAGE_CODES.includes(error.code) ? WRONG_USAGE : 1);
}

/** Its words with its own advice, which nobody at a command line reads elsewhere. */
function withAdvice({ code, message, next }: AppError): string {
  return next === ERROR_RULES[code].next ? message : `${message} ${next}`;
}

/**
 * Runs the program that the command line asks for.
 * @param begun the conversation on stdin that was begun before, if one was
 */
export function run(begun?: BegunConversation): void {
  const ending = new Ending();
  ending.hide([
    ...Object.values(SERVICE_KEYS).map(({ env }) => process.env[env]),
    ...addressSecrets(process.env["LONGCAT_MCP_DATABASE_URL"]),
  ]);
  main(ending, begun).catch((thrown: unknown) => fail(thrown, ending));
}
