import { realpathSync } from "node:fs";
import { dirname } from "node:path";
import { AppError } from "../core/errors.ts";
import { packageRoot } from "../core/package-root.ts";
import { runnable } from "../core/program.ts";
import { oneLine } from "../core/text.ts";
import { nearMiss } from "../models/near-miss.ts";
import { HOST_NAMES, type HostName } from "../settings/commands.ts";
import type { Settings } from "../settings/settings.ts";
import { askSecret } from "./ask-secret.ts";
import type { Ending } from "./ending.ts";
import { usableKey } from "./host-keys.ts";
import { carriedSettings, hostCommand } from "./host-launch.ts";
import { hostPlace, surroundings } from "./surroundings.ts";

/** Adds this server to a host, or takes it out. @throws {invalid_input, configuration, storage} */
export async function runInstall(
  command: "install" | "uninstall",
  { words, flags }: { words: readonly string[]; flags: Record<string, string | undefined> },
  settings: Settings,
  ending: Ending,
): Promise<void> {
  const name = hostOf(words);
  const { env, platform } = process;
  const { dataDir, sandbox, program, apiKey, chatApiKey } = settings;
  const { addToHost, takeFromHost } = await import("./host-changes.ts");
  const around = surroundings(command, flags);
  const changes = {
    place: hostPlace(settings.homeDir),
    // The same for the sandbox: what is noted there is about hosts, not about jobs.
    dataDir: sandbox ? dirname(dataDir) : dataDir,
    isDryRun: flags["dry-run"] !== undefined,
    write: (text: string) => process.stdout.write(`${runnable(text, program)}\n`),
  };
  if (command === "uninstall") return takeFromHost(name, changes);
  const launch = hostCommand({
    platform,
    env,
    execPath: process.execPath,
    script: process.argv[1] ?? "",
    packageDir: packageRoot(),
    realPath: realpathSync,
  });
  await addToHost(name, changes, {
    settings,
    surroundings: around,
    launch: {
      command: launch.command,
      args: [...launch.args, ...(sandbox ? ["--sandbox"] : [])],
      env: carriedSettings(around, [apiKey, chatApiKey]),
    },
    ask: process.stdin.isTTY && !changes.isDryRun ? (...of) => ask(of, ending) : undefined,
  });
}

function hostOf([name, ...more]: readonly string[]): HostName {
  const known = HOST_NAMES.join(", ");
  if (name === undefined) {
    throw new AppError("invalid_input", `Which host? There are ${known}.`);
  }
  const host = HOST_NAMES.find((one) => one === name.toLowerCase());
  if (host === undefined) {
    const meant = nearMiss(name, HOST_NAMES);
    const hint = meant ? ` Did you mean ${meant}?` : "";
    throw new AppError(
      "invalid_input",
      `"${oneLine(name, 60)}" is no host that this program knows.${hint} There are ${known}.`,
    );
  }
  if (more.length > 0) throw new AppError("invalid_input", "One host at a time.");
  return host;
}

/** Until a key is given, or nothing. */
function ask(
  [variable, service]: [variable: string, service: string],
  ending: Ending,
): Promise<string | undefined> {
  const read = (line: string) => {
    const typed = line.trim();
    if (typed === "") return { taken: undefined };
    ending.hide([typed]);
    const taken = usableKey(typed);
    return taken === undefined
      ? { complaint: "That is no key: it holds blanks, or characters that no key has. Once more." }
      : { taken };
  };
  const question = `${variable}, the key of ${service}; it is not shown, Enter leaves it out: `;
  return askSecret(question, read, process.stdin, (text) => process.stderr.write(text));
}
