import { access, constants, open } from "node:fs/promises";
import { DatabaseSync } from "@photostructure/sqlite";
import { MIGRATIONS } from "./migrations.ts";

/** @see https://sqlite.org/fileformat2.html#database_header */
const HEADER = { bytes: 100, magic: "SQLite format 3\0", versionAt: 60 } as const;

/**
 * Judges a database by its head only: to open it would already leave files beside it.
 * @param path `undefined` to find out only whether databases can be opened on this machine.
 * @returns what is wrong with it, as the end of a sentence.
 * @throws what the file system or the database's own program says.
 */
export async function judgeDatabase(path: string | undefined): Promise<string | undefined> {
  new DatabaseSync(":memory:").close();
  if (path === undefined) return undefined;
  const head = await headOf(path);
  await access(path, constants.R_OK | constants.W_OK);
  if (head.length === 0) return undefined;
  if (head.toString("latin1", 0, HEADER.magic.length) !== HEADER.magic) return "is not a database";
  return head.readUInt32BE(HEADER.versionAt) > MIGRATIONS.length
    ? "was written by a newer version of longcat-mcp"
    : undefined;
}

async function headOf(path: string): Promise<Buffer> {
  const file = await open(path, "r");
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(HEADER.bytes));
    return buffer.subarray(0, bytesRead);
  } finally {
    await file.close();
  }
}
