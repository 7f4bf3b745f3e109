// Makes `longcat-mcp-<version>.mcpb`, and proves that the npm package works once installed: `npm run
// package`, which has the bundle tried by `npm run test:bundle` after that. Needs Node, npm and the
// registry npm is configured for, nothing else.
import { execFile } from "node:child_process";
import { cp, mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, relative, resolve } from "node:path";
import { promisify } from "node:util";

const run = promisify(execFile);
const root = resolve(import.meta.dirname, "..");
const MCPB = join(root, "node_modules/@anthropic-ai/mcpb/dist/cli/cli.js");
/** The platforms whose native SQLite travels with its package. */
const SQLITE_PLATFORMS = 6;
/** What an installation has at the most, on Linux x64 where sizes are meant. */
const MOST_PACKAGES = 12;
const MOST_INSTALLED_MIB = 55;
/** What the packages carry only for being compiled from source. */
const SOURCES = [
  "@photostructure/sqlite/src",
  "@photostructure/sqlite/scripts",
  "@photostructure/sqlite/binding.gyp",
  "node-addon-api",
];

const packageJson = JSON.parse(await readFile(join(root, "package.json"), "utf8"));
const bundle = join(root, `${packageJson.name}-${packageJson.version}.mcpb`);
const sbom = join(root, `${packageJson.name}-${packageJson.version}.cdx.json`);
const scratch = await mkdtemp(join(tmpdir(), "longcat-mcp-package-"));
try {
  await run(process.execPath, ["scripts/build.mjs"], { cwd: root });
  say(`dist/ has ${await sizeOf(join(root, "dist"))}`);
  await compliance("check", sbom, ...process.argv.slice(2));
  await makeBundle(join(scratch, "stage"));
  await tryPackage(join(scratch, "installed"));
} finally {
  await rm(scratch, { recursive: true, force: true, maxRetries: 5 });
}

/** Stages what the bundle holds and packs it. */
async function makeBundle(stage) {
  await run(process.execPath, [MCPB, "validate", join(root, "manifest.json")]);
  await mkdir(stage);
  for (const name of ["package.json", "package-lock.json", ".npmrc"]) {
    await cp(join(root, name), join(stage, name));
  }
  // Of sharp's builds only the one in WebAssembly runs everywhere.
  await npm(
    ["ci", "--omit=dev", "--ignore-scripts", "--cpu=wasm32", "--no-audit", "--no-fund"],
    stage,
  );
  for (const name of ["package-lock.json", ".npmrc"]) await rm(join(stage, name));
  for (const name of SOURCES) {
    await rm(join(stage, "node_modules", name), { recursive: true, force: true });
  }
  for (const name of [...packageJson.files, "LICENSE", "README.md", "manifest.json"]) {
    await cp(join(root, name), join(stage, name), { recursive: true });
  }
  await compliance("carry", stage);
  const { devDependencies: _, scripts: __, ...shipped } = packageJson;
  await writeFile(join(stage, "package.json"), `${JSON.stringify(shipped, undefined, 2)}\n`);
  await checkPortable(join(stage, "node_modules"));
  await run(process.execPath, [MCPB, "pack", stage, bundle]);
  say(`${relative(root, bundle)} has ${await sizeOf(bundle)}, unpacked ${await sizeOf(stage)}`);
}

/** Licences, notices, bill of materials and audit; what it has to say is passed on. */
async function compliance(...args) {
  const script = ["scripts/run-ts.mjs", "scripts/compliance.ts"];
  // What it says of packages is for people: a failure ends the script without a stack of ours.
  const { stdout, stderr, code } = await run(process.execPath, [...script, ...args], {
    cwd: root,
  }).catch((error) => error);
  process.stdout.write(stdout);
  process.stderr.write(stderr);
  if (!code) return;
  await rm(scratch, { recursive: true, force: true });
  process.exit(1);
}

/** A bundle is installed on any system: no file in it may be for this machine only. */
async function checkPortable(modules) {
  const files = await readdir(modules, { recursive: true });
  const native = files.filter((name) => name.endsWith(".node"));
  const isSqlite = (name) => /^@photostructure[/\\]sqlite[/\\]prebuilds[/\\]/.test(name);
  const platforms = new Set(native.filter(isSqlite).map((name) => name.split(/[/\\]/)[3]));
  expect(native.every(isSqlite), `native code of one platform: ${native.join(", ")}`);
  expect(platforms.size >= SQLITE_PLATFORMS, `SQLite for ${[...platforms].join(", ")} only`);
  expect(
    files.some((name) => /^@img[/\\]sharp-wasm32[/\\].*\.wasm$/.test(name)),
    "sharp has no WebAssembly build",
  );
}

/** Packs for npm, installs that in an empty folder and runs it from there. */
async function tryPackage(folder) {
  await mkdir(folder);
  const { stdout } = await npm(
    ["pack", "--json", "--ignore-scripts", "--pack-destination", folder],
    root,
  );
  const [{ filename }] = Object.values(JSON.parse(stdout));
  await writeFile(join(folder, "package.json"), '{ "private": true }\n');
  await npm(["install", "--no-audit", "--no-fund", `./${filename}`], folder);
  await checkSmall(folder);
  const version = await npm(["exec", "--no", "--", "longcat-mcp", "--version"], folder);
  expect(version.stdout.trim() === packageJson.version, `--version says ${version.stdout}`);
  const doctor = await npm(["exec", "--no", "--", "longcat-mcp", "doctor", "--sandbox"], folder, {
    LONGCAT_MCP_DATA_DIR: join(folder, "data"),
    LONGCAT_MCP_OUTPUT_DIR: join(folder, "output"),
  });
  expect(!doctor.stdout.includes("FAIL"), doctor.stdout);
  const demo = await npm(["exec", "--no", "--", "longcat-mcp", "demo"], folder, {
    LONGCAT_MCP_OUTPUT_DIR: join(folder, "pictures"),
  });
  expect(/completed/.test(demo.stdout), demo.stdout);
  await tryRunner(join(folder, filename));
  say(
    `${filename} has ${await sizeOf(join(folder, filename))}, installed it answers ${version.stdout.trim()}`,
  );
}

/** Who installs it gets little: this program, two packages with native code and what they need. */
async function checkSmall(folder) {
  const { stdout } = await npm(["ls", "--all", "--parseable"], folder);
  const packages = new Set(stdout.trim().split(/\r?\n/).slice(1));
  const mib = (await bytesOf(join(folder, "node_modules"))) / 1024 / 1024;
  say(`installed it is ${packages.size} packages of ${mib.toFixed(1)} MiB`);
  expect(packages.size <= MOST_PACKAGES, `${packages.size} packages are installed`);
  // Sizes of native code differ from system to system.
  const isMeasured = `${process.platform}-${process.arch}` === "linux-x64";
  expect(!isMeasured || mib <= MOST_INSTALLED_MIB, `${mib.toFixed(1)} MiB are installed`);
}

/** Runs the package as `npx` does, from a folder that knows nothing of it. */
async function tryRunner(tarball) {
  const folder = join(scratch, "elsewhere");
  await mkdir(folder);
  const env = {
    LONGCAT_MCP_DATA_DIR: join(folder, "data"),
    LONGCAT_MCP_OUTPUT_DIR: join(folder, "pictures"),
  };
  const npx = (...args) => npm(["exec", "--yes", ...args], folder, env);
  const version = await npx(`--package=${tarball}`, "--", "longcat-mcp", "--version");
  expect(version.stdout.trim() === packageJson.version, `npx says ${version.stdout}`);
  const alone = await npx("--", `file:${tarball}`, "doctor", "--sandbox");
  expect(!alone.stdout.includes("FAIL"), alone.stdout);
  const demo = await npx(`--package=${tarball}`, "--", "longcat-mcp", "demo");
  expect(/completed/.test(demo.stdout), demo.stdout);
  say("npx runs it from an empty folder: --version, doctor and demo");
}

/** The npm that runs this script, or the one in the path. */
function npm(args, cwd, env = {}) {
  const script = process.env.npm_execpath;
  const options = { cwd, env: { ...process.env, ...env }, maxBuffer: 16 * 1024 * 1024 };
  return script?.endsWith("js")
    ? run(process.execPath, [script, ...args], options)
    : run("npm", args, { ...options, shell: process.platform === "win32" });
}

async function sizeOf(path) {
  return `${((await bytesOf(path)) / 1024 / 1024).toFixed(1)} MiB`;
}

async function bytesOf(path) {
  const found = await stat(path);
  let bytes = found.size;
  if (found.isDirectory()) {
    const entries = await readdir(path, { recursive: true });
    const sizes = await Promise.all(entries.map((name) => stat(join(path, name))));
    bytes = sizes.reduce((sum, one) => sum + (one.isFile() ? one.size : 0), 0);
  }
  return bytes;
}

function expect(isSo, problem) {
  if (!isSo) throw new Error(problem);
}

function say(text) {
  process.stdout.write(`${text}\n`);
}
