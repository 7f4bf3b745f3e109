import { randomBytes } from "node:crypto";
import postgres from "postgres";
import { serverUrl } from "./postgres-opener.ts";

/** An empty database of its own. @param server its address; of the one that all tests share when absent. */
export async function freshDatabase(server = serverUrl()): Promise<string> {
  const name = `test_${randomBytes(6).toString("hex")}`;
  await ask(server, `CREATE DATABASE ${name}`);
  const url = new URL(server);
  url.pathname = `/${name}`;
  return url.href;
}

/** Runs one statement, as whoever looks after the database would. */
export async function ask(url: string, statement: string): Promise<Record<string, unknown>[]> {
  const sql = postgres(url, { max: 1, onnotice: () => {} });
  try {
    return await sql.unsafe(statement);
  } finally {
    await sql.end();
  }
}
