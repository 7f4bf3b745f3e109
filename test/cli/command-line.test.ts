import { describe, expect, it } from "vitest";
import { readCommandLine } from "../../src/cli/command-line.ts";
import { COMMANDS } from "../../src/settings/commands.ts";

const run = (line: string) => readCommandLine(line.split(" ").filter((word) => word !== ""));

function refusal(line: string): string {
  try {
    run(line);
  } catch (error) {
    expect(error).toMatchObject({ code: "configuration" });
    return error instanceof Error ? error.message : "";
  }
  return expect.fail(`${line} was taken`);
}

describe("what the words after the program's name ask for", () => {
  it("is to serve on stdin and stdout where there are none", () => {
    expect(run("")).toEqual({ kind: "run", command: "stdio", words: [], flags: {} });
  });

  it.each(COMMANDS)("is %s by its name, and its page by --help or a word", (command) => {
    expect(run(command)).toEqual({ kind: "run", command, words: [], flags: {} });
    for (const line of [
      `${command} --help`,
      `${command} -h`,
      `--help ${command}`,
      `${command} help`,
      `help ${command}`,
    ]) {
      expect(run(line), line).toEqual({ kind: "help", command });
    }
  });

  it.each(["--help", "-h", "help", "--help --sandbox"])("is the program's page by %s", (line) => {
    expect(run(line)).toEqual({ kind: "help", command: undefined });
  });

  it.each(["--version", "version", "http --version", "jobs list --version", "--version --help"])(
    "is the version by %s",
    (line) => {
      expect(run(line)).toEqual({ kind: "version" });
    },
  );

  it.each([
    ["jobs show job_a", "jobs", ["show", "job_a"], {}],
    ["users add anna --days 30", "users", ["add", "anna"], { days: "30" }],
    ["users add --days=30 anna", "users", ["add", "anna"], { days: "30" }],
    ["install cursor --dry-run", "install", ["cursor"], { "dry-run": "true" }],
    ["doctor --online", "doctor", [], { online: "true" }],
    ["http --port 9000", "http", [], { port: "9000" }],
    ["--port 9000 http", "http", [], { port: "9000" }],
    ["http --port=", "http", [], { port: "" }],
    ["users add anna --subject=-x", "users", ["add", "anna"], { subject: "-x" }],
    ["--sandbox", "stdio", [], { sandbox: "true" }],
    ["http --port 1 --port 2", "http", [], { port: "2" }],
  ])("is, with words and options, %s", (line, command, words, flags) => {
    expect(run(line)).toEqual({ kind: "run", command, words, flags });
  });
});

describe("what it cannot be", () => {
  it.each([
    ["htpp", "Did you mean http?"],
    ["sandbx", "Did you mean sandbox?"],
    ["help htpp", "Did you mean http?"],
    ["frobnicate", `There are ${COMMANDS.join(", ")}.`],
    ["Http", "is not a command"],
  ])("a command: %s", (line, hint) => {
    expect(refusal(line)).toContain(hint);
  });

  it.each([
    ["http --portt 9000", "--portt is not an option. Did you mean --port?"],
    ["--sandboxx", "Did you mean --sandbox?"],
    ["http -x", "-x is not an option"],
    ["http --frobnicate", "There are --"],
  ])("an option: %s", (line, hint) => {
    expect(refusal(line)).toContain(hint);
  });

  it.each([
    ["http --port", "--port needs a value"],
    ["http --port --sandbox", "--port needs a value"],
    ["users add anna --days", "--days needs a value"],
  ])("an option without its value: %s", (line, hint) => {
    expect(refusal(line)).toContain(hint);
  });

  it.each([
    ["http --online", "--online is no option of http"],
    ["doctor --dry-run", "--dry-run is no option of doctor"],
    ["stdio --days 5", "--days is no option of stdio"],
  ])("an option of another command: %s", (line, hint) => {
    expect(refusal(line)).toContain(hint);
    expect(refusal(line)).toContain(`longcat-mcp ${line.split(" ")[0]} --help`);
  });

  it.each(["http now", "doctor please", "stdio x"])(
    "words behind a command that takes none: %s",
    (line) => {
      expect(refusal(line)).toContain("which takes options only");
    },
  );

  it("foreign text is one line of what can be seen", () => {
    const message = refusal(`\u001b[2Jevil${"x".repeat(500)}`);
    expect(message).not.toContain("\u001b");
    expect(message.length).toBeLessThan(300);
  });
});
