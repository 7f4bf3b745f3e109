import { readFile } from "node:fs/promises";

/** Whom a server is run as that need not be root: this user, or one of those that the system has. */
export async function unprivileged(...names: string[]): Promise<{ uid?: number; gid?: number }> {
  if (process.getuid?.() !== 0) return {};
  const users = (await readFile("/etc/passwd", "utf8")).split("\n").map((line) => line.split(":"));
  const found = [...names, "nobody"].map((wanted) => users.find(([name]) => name === wanted));
  const [, , uid, gid] = found.find((one) => one !== undefined) ?? [];
  return { uid: Number(uid), gid: Number(gid) };
}
