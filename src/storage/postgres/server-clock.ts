import * as z from "zod";
import type { Clock } from "../../core/clock.ts";
import type { Statements } from "./database.ts";

const nowRow = z.object({ now: z.number() });

/**
 * The time of the server, by which all machines record: their own clocks may differ by minutes. How
 * much time goes by is told by the own one, which nobody sets.
 */
export class ServerClock implements Clock {
  readonly #own: Clock;
  #serverMs = 0;
  #askedAt = 0;

  private constructor(own: Clock) {
    this.#own = own;
  }

  /** @throws {storage} */
  static async of(db: Statements, own: Clock): Promise<ServerClock> {
    const clock = new ServerClock(own);
    await clock.ask(db);
    return clock;
  }

  /** Asks the server for the time again. @throws {storage} */
  async ask(db: Statements): Promise<void> {
    const sql = "SELECT CAST(extract(epoch FROM clock_timestamp()) * 1000 AS bigint) AS now";
    const [row] = await db.all(sql, []);
    this.#serverMs = nowRow.parse(row).now;
    this.#askedAt = this.#own.elapsed();
  }

  now(): number {
    return Math.round(this.#serverMs + this.#own.elapsed() - this.#askedAt);
  }

  elapsed(): number {
    return this.#own.elapsed();
  }

  schedule(ms: number, run: () => void): () => void {
    return this.#own.schedule(ms, run);
  }
}
