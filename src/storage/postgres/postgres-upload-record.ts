import * as z from "zod";
import type {
  Invitation,
  ReceivedFile,
  Reception,
  Upload,
  UploadRecord,
} from "../../inputs/upload-record.ts";
import { readReceived, readUpload } from "../rows/received-rows.ts";
import type { PostgresDatabase, Statements } from "./database.ts";

const countRow = z.object({ count: z.number() });
const bytesRow = z.object({ bytes: z.number() });
const fileRow = z.object({ file: z.string() });

const COLUMNS = `upload_id AS "uploadId", owner, secret_hash AS "secretHash", filename,
  created_at AS "createdAt", ends_at AS "endsAt", file, kind, mime_type AS "mimeType", extension,
  size_bytes AS "sizeBytes", sha256, received_at AS "receivedAt", kept_until AS "keptUntil"`;
const lockOf = (owner: string) => `uploads of ${owner}`;

/** What is uploaded, beside the jobs. */
export class PostgresUploadRecord implements UploadRecord {
  readonly #db: PostgresDatabase;

  constructor(db: PostgresDatabase) {
    this.#db = db;
  }

  async invite(invitation: Invitation, maxUnused: number): Promise<boolean> {
    const { uploadId, owner, secretHash, filename, createdAt, endsAt } = invitation;
    return this.#db.transaction(async (db) => {
      await db.lock(lockOf(owner));
      const sql =
        "SELECT count(*) AS count FROM uploads WHERE owner = ? AND file IS NULL AND ends_at > ?";
      const [row] = await db.all(sql, [owner, createdAt]);
      if (countRow.parse(row).count >= maxUnused) return false;
      await db.run(
        `INSERT INTO uploads (upload_id, owner, secret_hash, filename, created_at, ends_at)
         VALUES (?, ?, ?, ?, ?, ?)`,
        [uploadId, owner, secretHash, filename ?? null, createdAt, endsAt],
      );
      return true;
    });
  }

  async bySecret(secretHash: string): Promise<Upload | undefined> {
    return one(this.#db, "secret_hash = ?", [secretHash]);
  }

  async get(owner: string, uploadId: string): Promise<Upload | undefined> {
    return one(this.#db, "owner = ? AND upload_id = ?", [owner, uploadId]);
  }

  async receive(
    uploadId: string,
    received: ReceivedFile,
    mostBytes = Number.POSITIVE_INFINITY,
  ): Promise<Reception> {
    const { file, kind, mimeType, extension, sizeBytes, sha256, receivedAt, keptUntil } = received;
    const { owner } = (await one(this.#db, "upload_id = ?", [uploadId])) ?? {};
    if (owner === undefined) return "gone";
    return this.#db.transaction(async (db) => {
      await db.lock(lockOf(owner));
      const found = await one(db, "upload_id = ?", [uploadId]);
      if (found?.received) return "used";
      if (!found || found.endsAt <= receivedAt) return "gone";
      if ((await usedBytes(db, owner)) + sizeBytes > mostBytes) return "full";
      await db.run(
        `UPDATE uploads SET file = ?, kind = ?, mime_type = ?, extension = ?, size_bytes = ?,
           sha256 = ?, received_at = ?, kept_until = ? WHERE upload_id = ?`,
        [file, kind, mimeType, extension, sizeBytes, sha256, receivedAt, keptUntil, uploadId],
      );
      return "received";
    });
  }

  async received(owner: string): Promise<(Upload & { received: ReceivedFile })[]> {
    const rows = await this.#db.all(
      `SELECT ${COLUMNS} FROM uploads WHERE owner = ? AND file IS NOT NULL ORDER BY received_at`,
      [owner],
    );
    return rows.map(readReceived);
  }

  async usedBytes(owner: string): Promise<number> {
    return usedBytes(this.#db, owner);
  }

  async forgetEnded(now: number): Promise<void> {
    await this.#db.run("DELETE FROM uploads WHERE coalesce(kept_until, ends_at) <= ?", [now]);
  }

  async forgetAll(owner: string): Promise<string[]> {
    const rows = await this.#db.all("DELETE FROM uploads WHERE owner = ? RETURNING file", [owner]);
    return filesIn(rows);
  }

  async files(): Promise<string[]> {
    return filesIn(await this.#db.all("SELECT file FROM uploads", []));
  }
}

function filesIn(rows: readonly unknown[]): string[] {
  return rows.flatMap((row) => {
    const found = fileRow.safeParse(row);
    return found.success ? [found.data.file] : [];
  });
}

async function usedBytes(db: Statements, owner: string): Promise<number> {
  const [row] = await db.all(
    "SELECT CAST(coalesce(sum(size_bytes), 0) AS bigint) AS bytes FROM uploads WHERE owner = ?",
    [owner],
  );
  return bytesRow.parse(row).bytes;
}

async function one(
  db: Statements,
  where: string,
  values: readonly string[],
): Promise<Upload | undefined> {
  const [row] = await db.all(`SELECT ${COLUMNS} FROM uploads WHERE ${where}`, values);
  return row === undefined ? undefined : readUpload(row);
}
