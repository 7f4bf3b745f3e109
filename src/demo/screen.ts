import { beginningOf } from "../core/text.ts";

/** No line is longer, however wide the terminal is. */
const MAX_COLUMNS = 80;
const NAME_COLUMNS = 24;
const STATE_COLUMNS = 11;
const SPINNER = ["⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧", "⠇", "⠏"] as const;
const SPINNER_FRAME_MS = 80;
/** The states of a job that goes well, in their order. */
const STAGES: readonly string[] = ["queued", "submitting", "running", "downloading", "completed"];

export interface Style {
  strong(text: string): string;
  faint(text: string): string;
  good(text: string): string;
  bad(text: string): string;
}

const sgr = (on: number, off: number) => (text: string) => `\u001b[${on}m${text}\u001b[${off}m`;
const ANSI: Style = {
  strong: sgr(1, 22),
  faint: sgr(2, 22),
  good: sgr(32, 39),
  bad: sgr(31, 39),
};
const same = (text: string) => text;
const PLAIN: Style = { strong: same, faint: same, good: same, bad: same };

/** How one call of the demo is doing. Times are milliseconds. */
export interface Row {
  tool: string;
  /** A job's state, or `calling` until one is known. */
  state: string;
  elapsedMs: number;
  /** What came of it, once it has ended. */
  outcome?: string;
  failed?: boolean;
}

/** One line about a call, for a terminal where it is drawn again and again. */
export function liveLine(row: Row, style: Style, columns: number): string {
  const reached = STAGES.indexOf(row.state) + 1;
  const bar = STAGES.map((_, n) => (n < reached ? "■" : "·")).join("");
  const rest = cut(
    ` ${row.tool.padEnd(NAME_COLUMNS)} ${bar} ${row.state.padEnd(STATE_COLUMNS)} ` +
      `${seconds(row.elapsedMs).padStart(6)}  ${row.outcome ?? ""}`,
    columns - 3,
  );
  return `  ${mark(row, style)}${rest}`;
}

/** One line about a call, for a log that only ever grows. */
export function loggedLine(row: Row, columns: number): string {
  const head = `  ${row.tool.padEnd(NAME_COLUMNS)} ${row.state.padEnd(STATE_COLUMNS)} `;
  return cut(`${head}${seconds(row.elapsedMs).padStart(6)}  ${row.outcome ?? ""}`, columns);
}

function mark(row: Row, style: Style): string {
  if (row.failed) return style.bad("✗");
  if (row.outcome !== undefined) return style.good("✓");
  return SPINNER[Math.floor(row.elapsedMs / SPINNER_FRAME_MS) % SPINNER.length] ?? "";
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(1)} s`;
}

/** Text on one line of at most `columns` characters. */
export function cut(text: string, columns: number): string {
  const line = text.trimEnd();
  return line.length <= columns ? line : `${beginningOf(line, Math.max(0, columns - 1))}…`;
}

export interface ScreenOptions {
  write: (text: string) => void;
  /** Whether lines may be drawn over and coloured. */
  isTerminal: boolean;
  columns: number;
}

/** What the demo shows: lines that stay, and a block of lines about calls under way. */
export class Screen {
  readonly style: Style;
  readonly isTerminal: boolean;
  readonly columns: number;
  readonly #write: (text: string) => void;
  /** Per row, what was last written: the lines to draw over, or the states already logged. */
  #shown: string[] = [];

  constructor({ write, isTerminal, columns }: ScreenOptions) {
    this.#write = write;
    this.isTerminal = isTerminal;
    this.columns = Math.min(MAX_COLUMNS, columns);
    this.style = isTerminal ? ANSI : PLAIN;
  }

  /** A line that stays. Only paths and commands may be longer than the screen is wide. */
  line(text = ""): void {
    this.#write(`${text}\n`);
  }

  heading(text: string): void {
    this.line();
    this.line(this.style.strong(cut(text, this.columns)));
  }

  /** Shows rows: over the ones shown before on a terminal, as lines below them otherwise. */
  rows(rows: readonly Row[]): void {
    if (this.isTerminal) this.#redraw(rows);
    else this.#logChanges(rows);
  }

  /** The next rows begin a block of their own. */
  endRows(): void {
    this.#shown = [];
  }

  #redraw(rows: readonly Row[]): void {
    const up = this.#shown.length > 0 ? `\u001b[${this.#shown.length}A` : "";
    const lines = rows.map((row) => liveLine(row, this.style, this.columns));
    this.#write(up + lines.map((line) => `\r${line}\u001b[K\n`).join(""));
    this.#shown = lines;
  }

  #logChanges(rows: readonly Row[]): void {
    rows.forEach((row, n) => {
      const stage = `${row.state} ${row.outcome ?? ""}`;
      if (this.#shown[n] === stage) return;
      this.#shown[n] = stage;
      // Nothing is known of a call at first, and `completed` comes once more with its result.
      const isChange = row.outcome !== undefined || !["calling", "completed"].includes(row.state);
      if (isChange) this.line(loggedLine(row, this.columns));
    });
  }
}
