import { execFile } from "node:child_process";
import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

const run = promisify(execFile);

/** Where a fault of each group is acted out, or said to happen to whom. */
const BEHAVIOURS = [
  ["request", "routes/intake.ts"],
  ["job", "faults/twist.ts"],
  ["webhook", "routes/callbacks.ts"],
  ["sync", "routes/sync.ts"],
  ["stream", "routes/chat.ts"],
  ["media", "routes/files.ts"],
] as const;

describe("a fault that nobody has given a behaviour", () => {
  let folder = "";
  /** What the compiler says of a program with a new fault in every group. */
  let verdict = "";

  beforeAll(async () => {
    const parent = resolve("node_modules/.cache");
    await mkdir(parent, { recursive: true });
    folder = await mkdtemp(join(parent, "faults-"));
    await cp("src", join(folder, "src"), { recursive: true });
    const schema = join(folder, "src/sandbox/faults/fault-kinds.ts");
    const text = await readFile(schema, "utf8");
    const grown = BEHAVIOURS.reduce(
      (soFar, [group]) =>
        soFar.replace(
          `\n  ${group}: [`,
          `\n  ${group}: [z.object({ kind: z.literal("new-${group}"), ...conditions }),`,
        ),
      text,
    );
    await writeFile(schema, grown);
    const options = { extends: resolve("tsconfig.json"), include: ["src/sandbox"] };
    await writeFile(join(folder, "tsconfig.json"), JSON.stringify(options));
    const tsc = resolve("node_modules/typescript/bin/tsc");
    verdict = await run(process.execPath, [
      tsc,
      "--project",
      folder,
      "--pretty",
      "false",
      "--noErrorTruncation",
    ]).then(
      ({ stdout }) => stdout,
      (error: { stdout: string }) => error.stdout,
    );
  });

  afterAll(() => rm(folder, { recursive: true, force: true }));

  it.each(BEHAVIOURS)("does not compile: of a %s, in %s", (_, file) => {
    expect(verdict).toMatch(new RegExp(`src/sandbox/${file}\\(\\d+,\\d+\\): error TS`));
  });

  it("does not compile before it is said how a prompt asks for it", () => {
    for (const [group] of BEHAVIOURS) expect(verdict).toContain(`new-${group}`);
    expect(verdict).toMatch(/src\/sandbox\/faults\/markers\.ts\(\d+,\d+\): error TS/);
  });
});
