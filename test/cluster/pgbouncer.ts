import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { chmod, chown, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePort } from "../support/free-port.ts";
import { unprivileged } from "./unprivileged.ts";

/** Fewer than two replicas open by themselves: they share them, transaction by transaction. */
const POOL_SIZE = 4;
const MISSING = "PgBouncer is not installed: `apt-get install pgbouncer`.";

/**
 * A PgBouncer in transaction mode, never as root.
 * @param url of a database behind it. @returns the address of the same through it.
 */
export async function pooled(url: string): Promise<{ url: string; close: () => Promise<void> }> {
  const program = ["/usr/sbin", ...(process.env["PATH"] ?? "").split(":")]
    .map((folder) => join(folder, "pgbouncer"))
    .find((path) => existsSync(path));
  if (program === undefined) throw new Error(MISSING);
  const { hostname, port, username, password } = new URL(url);
  const folder = await mkdtemp(join(tmpdir(), "longcat-pgbouncer-"));
  const [settings, users] = [join(folder, "pgbouncer.ini"), join(folder, "users")];
  const own = await freePort();
  await writeFile(
    settings,
    `[databases]
* = host=${hostname} port=${port}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = ${own}
unix_socket_dir =
auth_type = scram-sha-256
auth_file = ${users}
pool_mode = transaction
default_pool_size = ${POOL_SIZE}
max_client_conn = 200
`,
  );
  await writeFile(users, `"${decodeURIComponent(username)}" "${decodeURIComponent(password)}"\n`);
  await chmod(users, 0o600);
  const as = await unprivileged("postgres");
  const { uid, gid } = as;
  if (uid !== undefined && gid !== undefined) {
    for (const path of [folder, settings, users]) await chown(path, uid, gid);
  }
  const child = spawn(program, [settings], { ...as, stdio: ["ignore", "ignore", "pipe"] });
  let said = "";
  await new Promise<void>((resolve, reject) => {
    child.stderr.on("data", (bytes) => {
      said += bytes;
      if (said.includes("process up")) resolve();
    });
    child.once("exit", () => reject(new Error(said)));
  });
  child.stderr.removeAllListeners("data").resume();
  const through = new URL(url);
  through.port = String(own);
  return {
    url: through.href,
    async close() {
      if (child.exitCode === null) {
        child.kill("SIGKILL");
        await once(child, "exit");
      }
      await rm(folder, { recursive: true, force: true });
    },
  };
}
