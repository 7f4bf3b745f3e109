import { lstatSync, readdirSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { describe, expect, it } from "vitest";
import * as z from "zod";

const lockfile = z
  .looseObject({
    packages: z.record(
      z.string(),
      z.looseObject({
        resolved: z.string().optional(),
        optionalDependencies: z.record(z.string(), z.string()).optional(),
      }),
    ),
  })
  .parse(JSON.parse(readFileSync("package-lock.json", "utf8")));
const entries = Object.entries(lockfile.packages);

describe("package-lock.json", () => {
  it("names no host, so that any registry can serve it", () => {
    expect(entries.filter(([, entry]) => entry.resolved !== undefined)).toEqual([]);
  });

  it("has the packages of every platform; `node scripts/complete-lockfile.mjs` adds them", () => {
    const missing = entries.flatMap(([path, entry]) =>
      Object.keys(entry.optionalDependencies ?? {}).filter(
        (name) =>
          !Object.hasOwn(lockfile.packages, `node_modules/${name}`) &&
          !Object.hasOwn(lockfile.packages, `${path}/node_modules/${name}`),
      ),
    );
    expect(missing).toEqual([]);
  });
});

/** What a clone takes; sizes of native code differ from system to system. */
const MOST_MIB = 400;
/** A file takes whole blocks. */
const BLOCK_BYTES = 4096;

describe("what `npm ci` installs", () => {
  it(`takes no more than ${MOST_MIB} MiB on Linux x64, where it is measured`, () => {
    const folder = resolve(import.meta.dirname, "../node_modules");
    const files = readdirSync(folder, { recursive: true, encoding: "utf8" })
      // Tools keep things of their own beside the packages.
      .filter((name) => !name.startsWith("."))
      .map((name) => lstatSync(join(folder, name)));
    // A file with two names is there once.
    const once = new Map(files.map(({ ino, size }) => [ino, size]));
    const blocks = [...once.values()].map((size) => Math.ceil(size / BLOCK_BYTES));
    const bytes = blocks.reduce((sum, count) => sum + count * BLOCK_BYTES, 0);
    const isMeasured = `${process.platform}-${process.arch}` === "linux-x64";
    expect(bytes).toBeGreaterThan(0);
    if (isMeasured) expect(bytes / 1024 ** 2).toBeLessThanOrEqual(MOST_MIB);
  });
});
