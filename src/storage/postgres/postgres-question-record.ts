import type { QuestionRecord } from "../../questions/question-record.ts";
import type { Statements } from "./database.ts";
import { InstallationSecret } from "./installation-secret.ts";

/** What was asked and answered, for all machines. */
export class PostgresQuestionRecord implements QuestionRecord {
  readonly #db: Statements;
  readonly #secret: InstallationSecret;

  constructor(db: Statements) {
    this.#db = db;
    this.#secret = new InstallationSecret(db);
  }

  async secret(): Promise<Buffer> {
    return Buffer.from(await this.#secret.digest("the key of questions"), "hex");
  }

  async use(nonce: string, until: number, now: number): Promise<boolean> {
    await this.#db.run("DELETE FROM answered_questions WHERE ends_at <= ?", [now]);
    const sql = `INSERT INTO answered_questions (question, ends_at) VALUES (?, ?)
      ON CONFLICT DO NOTHING RETURNING question`;
    return (await this.#db.all(sql, [nonce, until])).length > 0;
  }
}
