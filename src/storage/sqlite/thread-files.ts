import type { ThreadFile } from "../../chat/thread.ts";
import type { FilePiece, ThreadStore } from "../../chat/thread-store.ts";
import { NOT_ANOTHERS, partRow } from "../rows/thread-rows.ts";
import type { Connection } from "./connection.ts";

/** Within a transaction. */
export function insertFiles(
  db: Connection,
  threadId: string,
  pieces: readonly FilePiece[],
  files: readonly ThreadFile[],
  now: number,
): void {
  for (const { jobId, position, part, content } of pieces) {
    db.run(
      `INSERT INTO chat_file_parts (job_id, position, part, created_at, content)
       VALUES (?, ?, ?, ?, ?)`,
      [jobId, position, part, now, content],
    );
  }
  for (const file of files) {
    db.run(
      `INSERT INTO chat_files (job_id, position, thread_id, name, sha256, size_bytes,
         json_bytes, tokens, created_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
      [
        file.jobId,
        file.position,
        threadId,
        file.name,
        file.sha256,
        file.sizeBytes,
        file.jsonBytes,
        file.tokens,
        now,
      ],
    );
  }
}

/** A file's text, read piece by piece. */
export function storedText(
  db: Connection,
  owner: string,
  { jobId, position, jsonBytes }: ThreadFile,
): ReturnType<ThreadStore["content"]> {
  return {
    jsonBytes,
    async *pieces() {
      for (let part = 0; ; part++) {
        const [row] = db.all(
          `SELECT content FROM chat_file_parts
           WHERE job_id = ? AND position = ? AND part = ? AND ${NOT_ANOTHERS}`,
          [jobId, position, part, jobId, owner],
        );
        if (row === undefined) return;
        yield partRow.parse(row).content;
      }
    },
  };
}
