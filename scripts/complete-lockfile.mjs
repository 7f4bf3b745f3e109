// A registry that serves only some platforms' packages makes npm leave the others out of the
// lockfile, and `npm ci` then refuses it. This puts them back: run it after `npm install`.
import { readFile, writeFile } from "node:fs/promises";

const OS = /(?:^|[-/])(android|darwin|freebsd|linux|netbsd|openbsd|openharmony|sunos|win32|aix)/;
const CPU = /(?:^|-)(arm64|arm|x64|ia32|ppc64|riscv64|s390x|loong64|mips64el|wasm32)(?:-|$)/;

const lockfile = JSON.parse(await readFile("package-lock.json", "utf8"));
const { packages } = lockfile;
for (const [path, entry] of Object.entries({ ...packages })) {
  for (const [name, version] of Object.entries(entry.optionalDependencies ?? {})) {
    const isPinned = /^\d+\.\d+\.\d+$/.test(version);
    const isThere =
      `node_modules/${name}` in packages || `${path}/node_modules/${name}` in packages;
    if (!isPinned || isThere) continue;
    const [, os] = OS.exec(name) ?? [];
    const [, cpu] = CPU.exec(name) ?? [];
    if (!os || !cpu) throw new Error(`${name} names no platform`);
    const libc = name.includes("musl") ? "musl" : os === "linux" ? "glibc" : undefined;
    packages[`node_modules/${name}`] = {
      version,
      cpu: [cpu],
      ...(entry.dev ? { dev: true } : {}),
      ...(libc ? { libc: [libc] } : {}),
      optional: true,
      os: [os],
    };
    process.stdout.write(`added ${name}@${version}\n`);
  }
}
const sorted = Object.entries(packages).sort(([a], [b]) => a.localeCompare(b, "en"));
lockfile.packages = Object.fromEntries(sorted);
await writeFile("package-lock.json", `${JSON.stringify(lockfile, undefined, 2)}\n`);
