import { execFile } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as z from "zod";

/** What a registry knows against the packages; or why it was not asked. */
export type AuditOutcome =
  | { kind: "clean"; count: number }
  | { kind: "findings"; findings: string[] }
  | { kind: "not audited"; reason: string };

const reportSchema = z.looseObject({
  vulnerabilities: z.record(
    z.string(),
    z.looseObject({
      name: z.string(),
      severity: z.string(),
      via: z.array(z.union([z.string(), z.looseObject({ title: z.string(), url: z.string() })])),
    }),
  ),
});

const failureSchema = z.looseObject({
  message: z.string().optional(),
  error: z.looseObject({ summary: z.string().optional(), code: z.string().optional() }).optional(),
});

/**
 * Asks npm's registry about exactly these versions, those included that were copied into others
 * and that no lockfile names: they are put into a project of their own, each under its own alias.
 * @param npmScript the npm that runs this, if it is known
 */
export async function auditPackages(
  packages: readonly { name: string; version: string | undefined }[],
  npmScript: string | undefined,
  env: NodeJS.ProcessEnv,
): Promise<AuditOutcome> {
  const known = packages.flatMap(({ name, version }) =>
    version === undefined ? [] : [{ name, version }],
  );
  const folder = await mkdtemp(join(tmpdir(), "longcat-mcp-audit-"));
  try {
    const aliases = known.map(({ name, version }): [string, string] => [
      aliasOf(name, version),
      `npm:${name}@${version}`,
    ]);
    const root = { name: "audited", version: "0.0.0", dependencies: Object.fromEntries(aliases) };
    const locked = known.map(({ name, version }): [string, object] => [
      `node_modules/${aliasOf(name, version)}`,
      { name, version },
    ]);
    const lockfile = {
      name: root.name,
      version: root.version,
      lockfileVersion: 3,
      requires: true,
      packages: { "": root, ...Object.fromEntries(locked) },
    };
    await writeFile(join(folder, "package.json"), JSON.stringify(root));
    await writeFile(join(folder, "package-lock.json"), JSON.stringify(lockfile));
    return outcomeOf(await npmAudit(folder, npmScript, env), known.length);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

function aliasOf(name: string, version: string): string {
  return `${name}-${version}`
    .toLowerCase()
    .replace(/[^a-z0-9.-]+/g, "-")
    .replace(/^[-.]+/, "");
}

/** npm's answer; it ends with a failure both for findings and for a registry that answers none. */
function npmAudit(
  cwd: string,
  npmScript: string | undefined,
  env: NodeJS.ProcessEnv,
): Promise<string> {
  const args = ["audit", "--json", "--package-lock-only", "--audit-level=info"];
  const [command, all] =
    npmScript?.endsWith("js") === true ? [process.execPath, [npmScript, ...args]] : ["npm", args];
  return new Promise((resolve) => {
    execFile(
      command,
      all,
      { cwd, env, maxBuffer: 16 * 1024 * 1024, shell: process.platform === "win32" },
      (error, stdout) =>
        resolve(stdout === "" ? JSON.stringify({ message: error?.message }) : stdout),
    );
  });
}

function outcomeOf(output: string, count: number): AuditOutcome {
  const json = readJson(output);
  const report = reportSchema.safeParse(json);
  if (!report.success) {
    const failure = failureSchema.safeParse(json).data;
    const reason = failure?.message ?? failure?.error?.summary ?? "npm audit gave no report";
    return { kind: "not audited", reason };
  }
  const findings = Object.values(report.data.vulnerabilities).map(({ name, severity, via }) => {
    const said = via.map((one) => (typeof one === "string" ? one : `${one.title} ${one.url}`));
    return `${name} (${severity}): ${said.join("; ")}`;
  });
  return findings.length === 0 ? { kind: "clean", count } : { kind: "findings", findings };
}

function readJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
