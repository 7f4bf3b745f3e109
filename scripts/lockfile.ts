import * as z from "zod";

/** What the lockfile says of a package: where it is installed, and what it needs. */
export interface LockedPackage {
  name: string;
  version: string;
  /** As npm writes it: `sha512-` and base64. */
  integrity: string | undefined;
  licence: string;
  isOptional: boolean;
  needs: string[];
  isDevelopment: boolean;
}

const lockfileSchema = z.looseObject({
  packages: z.record(
    z.string(),
    z.looseObject({
      name: z.string().optional(),
      version: z.string().optional(),
      integrity: z.string().optional(),
      license: z.string().optional(),
      dev: z.boolean().default(false),
      optional: z.boolean().default(false),
      dependencies: z.record(z.string(), z.string()).default({}),
      optionalDependencies: z.record(z.string(), z.string()).default({}),
    }),
  ),
});

/** Every package of a lockfile but the project itself, by path. */
export function lockedPackages(lockfile: string): LockedPackage[] {
  const { packages } = lockfileSchema.parse(JSON.parse(lockfile));
  return Object.entries(packages).flatMap(([path, entry]) => {
    const { version, integrity, license = "", dependencies, optionalDependencies } = entry;
    if (path === "" || version === undefined) return [];
    return {
      name: entry.name ?? path.replace(/^.*node_modules\//, ""),
      version,
      integrity,
      licence: license,
      isOptional: entry.optional,
      needs: Object.keys({ ...dependencies, ...optionalDependencies }).sort(),
      isDevelopment: entry.dev,
    };
  });
}
