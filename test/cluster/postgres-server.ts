import { type ChildProcess, execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { chmod, chown, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { freePort } from "../support/free-port.ts";

const run = promisify(execFile);

export const SERVER_USER = "longcat";
/** With what an address must not have as it is. */
export const SERVER_PASSWORD = "pass:word/@%";

/** A PostgreSQL of our own, on loopback, for as long as a test runs. */
export interface PostgresServer {
  /** Of the database in it that is called as its user. */
  url: string;
  port: number;
  start: () => Promise<void>;
  /** At once, as when its machine loses power. */
  kill: () => Promise<void>;
  /** Its processes; to freeze them, for one. */
  pids: () => Promise<number[]>;
  remove: () => Promise<void>;
}

/** What a server shows who connects to it. */
export interface ServerCertificate {
  cert: string;
  key: string;
  /** Who connects has to show a certificate that this one vouches for, and needs no password. */
  clientCa?: string;
}

/** Makes a server and starts it, never as root. @param tls in PEM form; only in clear when absent. */
export async function startPostgres(tls?: ServerCertificate): Promise<PostgresServer> {
  const bin = await programs();
  const as = await unprivileged();
  const folder = await mkdtemp(join(tmpdir(), "longcat-postgres-"));
  const [data, secret] = [join(folder, "data"), join(folder, "password")];
  const [cert, key] = [join(folder, "cert.pem"), join(folder, "key.pem")];
  const [ca, hba] = [join(folder, "ca.pem"), join(folder, "hba.conf")];
  const files = {
    [secret]: SERVER_PASSWORD,
    ...(tls && { [cert]: tls.cert, [key]: tls.key }),
    ...(tls?.clientCa && { [ca]: tls.clientCa, [hba]: "hostssl all all 127.0.0.1/32 cert\n" }),
  };
  for (const [path, text] of Object.entries(files)) await writeFile(path, text, { mode: 0o600 });
  await chmod(folder, 0o700);
  const { uid, gid } = as;
  if (uid !== undefined && gid !== undefined) {
    for (const path of [folder, ...Object.keys(files)]) await chown(path, uid, gid);
  }
  const shown = tls ? ["ssl=on", `ssl_cert_file=${cert}`, `ssl_key_file=${key}`] : [];
  if (tls?.clientCa) shown.push(`ssl_ca_file=${ca}`, `hba_file=${hba}`);
  const options = { ...as, cwd: folder, env: { ...process.env, LC_ALL: "C" } };
  await run(
    join(bin, "initdb"),
    [
      ...["-D", data, "-U", SERVER_USER, `--pwfile=${secret}`, "--auth=scram-sha-256"],
      ...["-E", "UTF8", "--locale=C", "--no-sync"],
    ],
    options,
  );
  const port = await freePort();
  let child: ChildProcess | undefined;
  const start = async () => {
    const started = spawn(
      join(bin, "postgres"),
      [
        ...["-D", data, "-p", String(port), "-c", "listen_addresses=127.0.0.1"],
        ...["-c", "unix_socket_directories=", "-c", "fsync=off", "-c", "full_page_writes=off"],
        ...["-c", "max_connections=300", "-c", "shared_buffers=32MB"],
        ...shown.flatMap((setting) => ["-c", setting]),
      ],
      { ...options, stdio: ["ignore", "ignore", "pipe"] },
    );
    child = started;
    let said = "";
    await new Promise<void>((resolve, reject) => {
      started.stderr?.on("data", (bytes) => {
        said += bytes;
        if (said.includes("ready to accept connections")) resolve();
      });
      started.once("exit", () => reject(new Error(said)));
    });
    started.stderr?.removeAllListeners("data").resume();
  };
  const end = async (signal: NodeJS.Signals) => {
    const ending = child;
    child = undefined;
    if (!ending || ending.exitCode !== null) return;
    ending.kill("SIGCONT");
    ending.kill(signal);
    await once(ending, "exit");
  };
  await start();
  const user = `${SERVER_USER}:${encodeURIComponent(SERVER_PASSWORD)}`;
  return {
    url: `postgres://${user}@127.0.0.1:${port}/postgres`,
    port,
    start,
    kill: () => end("SIGQUIT"),
    pids: async () =>
      child?.pid === undefined ? [] : [child.pid, ...(await childrenOf(child.pid))],
    async remove() {
      await end("SIGQUIT");
      await rm(folder, { recursive: true, force: true });
    },
  };
}

async function childrenOf(pid: number): Promise<number[]> {
  const { stdout } = await run("ps", ["-o", "pid=", "--ppid", String(pid)]);
  return stdout
    .split("\n")
    .filter((line) => line.trim() !== "")
    .map(Number);
}

/** Where Debian and others put what is needed. */
async function programs(): Promise<string> {
  const root = "/usr/lib/postgresql";
  const versions = await readdir(root).catch(() => []);
  const folders = [
    ...versions
      .sort((one, other) => Number(other) - Number(one))
      .map((one) => join(root, one, "bin")),
    ...(process.env["PATH"] ?? "").split(":"),
  ];
  const found = folders.find((folder) => existsSync(join(folder, "initdb")));
  if (found === undefined) {
    throw new Error(
      "PostgreSQL is not installed: `apt-get install postgresql`, or set TEST_DATABASE_URL.",
    );
  }
  return found;
}

/** PostgreSQL refuses to be root, and so do we. */
async function unprivileged(): Promise<{ uid?: number; gid?: number }> {
  if (process.getuid?.() !== 0) return {};
  const users = (await readFile("/etc/passwd", "utf8")).split("\n").map((line) => line.split(":"));
  const [, , uid, gid] =
    users.find(([name]) => name === "postgres") ?? users.find(([name]) => name === "nobody") ?? [];
  return { uid: Number(uid), gid: Number(gid) };
}
