import * as z from "zod";
import type {
  Invitation,
  ReceivedFile,
  Reception,
  Upload,
  UploadRecord,
} from "../../inputs/upload-record.ts";
import { readReceived, readUpload } from "../rows/received-rows.ts";
import type { Connection } from "./connection.ts";

const countRow = z.object({ count: z.number() });
const bytesRow = z.object({ bytes: z.number() });
const fileRow = z.object({ file: z.string() });

const COLUMNS = `upload_id AS uploadId, owner, secret_hash AS secretHash, filename,
  created_at AS createdAt, ends_at AS endsAt, file, kind, mime_type AS mimeType, extension,
  size_bytes AS sizeBytes, sha256, received_at AS receivedAt, kept_until AS keptUntil`;

/** What is uploaded, in the job database. */
export class SqliteUploadRecord implements UploadRecord {
  readonly #connection: Connection;

  constructor(connection: Connection) {
    this.#connection = connection;
  }

  async invite(invitation: Invitation, maxUnused: number): Promise<boolean> {
    const { uploadId, owner, secretHash, filename, createdAt, endsAt } = invitation;
    return this.#connection.transaction(() => {
      const sql =
        "SELECT count(*) AS count FROM uploads WHERE owner = ? AND file IS NULL AND ends_at > ?";
      const [row] = this.#connection.all(sql, [owner, createdAt]);
      if (countRow.parse(row).count >= maxUnused) return false;
      this.#connection.run(
        `INSERT INTO uploads (upload_id, owner, secret_hash, filename, created_at, ends_at)
         VALUES (?, ?, ?, ?, ?, ?)`,
        [uploadId, owner, secretHash, filename ?? null, createdAt, endsAt],
      );
      return true;
    });
  }

  async bySecret(secretHash: string): Promise<Upload | undefined> {
    return this.#one("secret_hash = ?", [secretHash]);
  }

  async get(owner: string, uploadId: string): Promise<Upload | undefined> {
    return this.#one("owner = ? AND upload_id = ?", [owner, uploadId]);
  }

  async receive(
    uploadId: string,
    received: ReceivedFile,
    mostBytes = Number.POSITIVE_INFINITY,
  ): Promise<Reception> {
    const { file, kind, mimeType, extension, sizeBytes, sha256, receivedAt, keptUntil } = received;
    return this.#connection.transaction(() => {
      const found = this.#one("upload_id = ?", [uploadId]);
      if (found?.received) return "used";
      if (!found || found.endsAt <= receivedAt) return "gone";
      if (this.#usedBytes(found.owner) + sizeBytes > mostBytes) return "full";
      this.#connection.run(
        `UPDATE uploads SET file = ?, kind = ?, mime_type = ?, extension = ?, size_bytes = ?,
           sha256 = ?, received_at = ?, kept_until = ? WHERE upload_id = ?`,
        [file, kind, mimeType, extension, sizeBytes, sha256, receivedAt, keptUntil, uploadId],
      );
      return "received";
    });
  }

  async received(owner: string): Promise<(Upload & { received: ReceivedFile })[]> {
    const sql = `SELECT ${COLUMNS} FROM uploads WHERE owner = ? AND file IS NOT NULL ORDER BY received_at`;
    return this.#connection.all(sql, [owner]).map(readReceived);
  }

  async usedBytes(owner: string): Promise<number> {
    return this.#usedBytes(owner);
  }

  async forgetEnded(now: number): Promise<void> {
    const sql = "DELETE FROM uploads WHERE coalesce(kept_until, ends_at) <= ?";
    this.#connection.run(sql, [now]);
  }

  async forgetAll(owner: string): Promise<string[]> {
    return this.#connection.transaction(() => {
      const sql = "SELECT file FROM uploads WHERE owner = ? AND file IS NOT NULL";
      const files = this.#connection.all(sql, [owner]).map((row) => fileRow.parse(row).file);
      this.#connection.run("DELETE FROM uploads WHERE owner = ?", [owner]);
      return files;
    });
  }

  async files(): Promise<string[]> {
    const rows = this.#connection.all("SELECT file FROM uploads WHERE file IS NOT NULL", []);
    return rows.map((row) => fileRow.parse(row).file);
  }

  #usedBytes(owner: string): number {
    const sql = "SELECT coalesce(sum(size_bytes), 0) AS bytes FROM uploads WHERE owner = ?";
    const [row] = this.#connection.all(sql, [owner]);
    return bytesRow.parse(row).bytes;
  }

  #one(where: string, values: readonly (string | number)[]): Upload | undefined {
    const [row] = this.#connection.all(`SELECT ${COLUMNS} FROM uploads WHERE ${where}`, values);
    return row === undefined ? undefined : readUpload(row);
  }
}
