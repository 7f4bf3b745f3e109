import { execFile } from "node:child_process";
import { tmpdir } from "node:os";
import { promisify } from "node:util";
import { afterEach, beforeEach, expect, test } from "vitest";
import { jobIdOf, textOf } from "./answers.ts";
import { Bench } from "./harness.ts";

let bench: Bench;

beforeEach(async () => {
  bench = await Bench.open();
});

afterEach(() => bench.close());

/** Runs a line as somebody would who copies it into a shell of their own. */
async function typed(line: string): Promise<string> {
  const { PATH = "" } = process.env;
  const { stdout } = await promisify(execFile)("/bin/sh", ["-c", line], {
    cwd: tmpdir(),
    env: { PATH, HOME: `${bench.folder}/home` },
  });
  return stdout;
}

test("the command that settles a job does so when it is copied into a shell", async () => {
  const { client } = await bench.connect("sdk 1.x");
  bench.sandbox.faults.add({ kind: "reset-after", match: { method: "POST" } });
  const result = await client.call("z_image_turbo_generate", {
    prompt: "x",
    image_size: "square_1_1",
  });
  const line = /`([^`]* jobs settle [^`]*)`/.exec(textOf(result))?.[1] ?? "no command is named";
  expect(await typed(line)).toBe(
    `${jobIdOf(result)} is settled as charged. To correct that, settle it again.\n`,
  );
});

test("advice about a key names a command that runs, and the folder with this user's jobs", async () => {
  const { client } = await bench.connect("client 2.x", "stdio", { PIXAZO_API_KEY: "another-key" });
  const result = await client.call("z_image_turbo_generate", {
    prompt: "x",
    image_size: "square_1_1",
  });
  const line = /`([^`]* doctor[^`]*)`/.exec(textOf(result))?.[1] ?? "no command is named";
  expect(line).toMatch(/^\S*node \S+\/dist\/cli\.js doctor --data-dir \S+\/data$/);
});
