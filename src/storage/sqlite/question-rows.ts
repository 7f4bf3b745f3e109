import type { QuestionRecord } from "../../questions/question-record.ts";
import type { Connection } from "./connection.ts";
import { StoreSecret } from "./store-secret.ts";

/** What was asked and answered, in the job database. */
export class SqliteQuestionRecord implements QuestionRecord {
  readonly #connection: Connection;
  readonly #secret: StoreSecret;

  constructor(connection: Connection) {
    this.#connection = connection;
    this.#secret = new StoreSecret(connection);
  }

  async secret(): Promise<Buffer> {
    return Buffer.from(this.#secret.digest("the key of questions"), "hex");
  }

  async use(nonce: string, until: number, now: number): Promise<boolean> {
    return this.#connection.transaction(() => {
      this.#connection.run("DELETE FROM answered_questions WHERE ends_at <= ?", [now]);
      const sql = `INSERT INTO answered_questions (question, ends_at) VALUES (?, ?)
        ON CONFLICT DO NOTHING RETURNING question`;
      return this.#connection.all(sql, [nonce, until]).length > 0;
    });
  }
}
