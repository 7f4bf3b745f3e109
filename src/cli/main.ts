#!/usr/bin/env node
import { readFileSync } from "node:fs";
import packageJson from "../../package.json" with { type: "json" };
import { type ErrorCode, toAppError } from "../core/errors.ts";
import { helpText } from "../docs/help.ts";
import { checkPriceList } from "../jobs/budget.ts";
import { readSettings } from "../settings/settings.ts";
import { runDoctor } from "./check.ts";
import { readCommandLine } from "./command-line.ts";
import { runDemo } from "./demo.ts";
import { runJobs } from "./jobs.ts";
import { serveSandbox } from "./sandbox.ts";
import { serve } from "./serve.ts";
import { startWords } from "./started.ts";

const WRONG_USAGE = 2;
const WRONG_USAGE_CODES: readonly ErrorCode[] = ["configuration", "storage", "invalid_input"];

async function main(): Promise<void> {
  const commandLine = readCommandLine(process.argv.slice(2));
  if (commandLine === "help") return void process.stdout.write(helpText());
  if (commandLine === "version") return void process.stdout.write(`${packageJson.version}\n`);
  const { env, platform, execPath } = process;
  const start = startWords({ env, platform, execPath, script: process.argv[1] ?? "" });
  const settings = readSettings({
    env: process.env,
    flags: commandLine.flags,
    platform: process.platform,
    workingDir: process.cwd(),
    start,
    readFile: (path) => readFileSync(path, "utf8"),
  });
  checkPriceList(settings.prices);
  // A reader that has seen enough, as `| head` has, is no failure.
  process.stdout.on("error", () => process.exit(0));
  switch (commandLine.command) {
    case "stdio":
    case "http":
      return serve(commandLine.command, settings);
    case "sandbox":
      return serveSandbox(settings);
    case "demo":
      return runDemo(settings);
    case "jobs":
      return runJobs(commandLine.words, settings);
    case "doctor":
      return runDoctor(settings);
  }
}

main().catch((thrown: unknown) => {
  const error = toAppError(thrown);
  const detail = error.code === "internal" && thrown instanceof Error ? ` (${thrown.message})` : "";
  process.stderr.write(`longcat-mcp: ${error.message}${detail}\n`);
  process.exit(WRONG_USAGE_CODES.includes(error.code) ? WRONG_USAGE : 1);
});
