import { errorWords } from "../core/log.ts";
import { createRedact } from "../core/redact.ts";
import { oneLine } from "../core/text.ts";

/** How long an orderly end may take before the process ends all the same, unless it is given more. */
const EXIT_DEADLINE_MS = 12_000;
/** Beside what the end is given for what is in flight: for closing what is open. */
const CLOSING_MS = 2_000;
/** Within this a second SIGINT is the same Ctrl+C: a terminal and npx both pass it on. */
const SAME_KEY_MS = 1_000;
/** What shells say of a process that SIGTERM has ended. */
const CUT_SHORT = 128 + 15;

/**
 * How this process ends, whatever its command: by itself, because its reader is gone, or by a
 * defect, of which one line is told and nothing that an error carries beside its words.
 */
export class Ending {
  #close: () => Promise<void> = async () => {};
  #deadlineMs = EXIT_DEADLINE_MS;
  #secrets: readonly (string | undefined)[] = [];
  #code: number | undefined;
  #askedAt: number | undefined;

  /** Hears from now on of everything that would end the process by itself. */
  constructor() {
    // Nobody reads what is written there any more; that is no reason to stop working.
    process.stderr.on("error", () => {});
    process.stdout.on("error", (error) => this.#noReader(error));
    process.on("uncaughtException", (error) => {
      this.tell("unexpected error", error);
      this.end(1);
    });
    // One defect must not take every other job's process with it.
    process.on("unhandledRejection", (reason) => this.tell("unexpected rejection", reason));
  }

  /** What no line may show. */
  hide(secrets: readonly (string | undefined)[]): void {
    this.#secrets = [...this.#secrets, ...secrets];
  }

  /**
   * What must be closed before the process ends.
   * @param patienceMs how long that gives what is in flight.
   */
  closeWith(close: () => Promise<void>, patienceMs = EXIT_DEADLINE_MS - CLOSING_MS): void {
    this.#close = close;
    this.#deadlineMs = patienceMs + CLOSING_MS;
  }

  /** Ends the process in order when somebody asks it to, and at once when they ask again. */
  onSignals(): void {
    process.on("SIGTERM", () => this.#asked(0));
    process.on("SIGINT", () => this.#asked(SAME_KEY_MS));
  }

  #asked(onceWithinMs: number): void {
    const now = performance.now();
    this.#askedAt ??= now;
    const isAgain = this.#askedAt !== now && now - this.#askedAt >= onceWithinMs;
    if (isAgain) process.exit(CUT_SHORT);
    this.end(0);
  }

  /** Closes what is open and ends the process; the first call counts, and the worst code. */
  end(code: number): void {
    process.exitCode = Math.max(this.#code ?? 0, code);
    const isFirst = this.#code === undefined;
    this.#code = process.exitCode;
    if (!isFirst) return;
    setTimeout(() => process.exit(), this.#deadlineMs).unref();
    this.#close()
      .catch((error: unknown) => this.tell("not closed in order", error))
      .finally(() => process.exit());
  }

  /** One line on stderr about something thrown. */
  tell(what: string, thrown: unknown): void {
    this.say(`${what}: ${errorWords(thrown)}`);
  }

  /** One line on stderr. */
  say(text: string): void {
    process.stderr.write(`longcat-mcp: ${oneLine(createRedact(this.#secrets)(text), 1000)}\n`);
  }

  /** A reader that has seen enough, as `| head` has, is no failure; a full disk is one. */
  #noReader(error: Error): void {
    const isGone = "code" in error && error.code === "EPIPE";
    if (!isGone) this.tell("stdout cannot be written", error);
    this.end(isGone ? 0 : 1);
  }
}
