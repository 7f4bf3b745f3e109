import { readFileSync } from "node:fs";
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
