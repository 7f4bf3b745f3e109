import { describe, expect, it } from "vitest";
import { cut, liveLine, loggedLine, type Row, Screen } from "../../src/demo/screen.ts";

const ESC = "\u001b";
const running: Row = { tool: "longcat_image_generate", state: "running", elapsedMs: 1_240 };
const done: Row = { ...running, state: "completed", elapsedMs: 3_000, outcome: "1024×768 PNG" };

/** What a terminal shows: without colours and other control sequences. */
function visible(text: string): string {
  return text.replaceAll(new RegExp(`${ESC}\\[[0-9;]*[A-Za-z]`, "g"), "").replaceAll("\r", "");
}

function record(isTerminal: boolean, columns = 80) {
  let written = "";
  const write = (text: string) => {
    written += text;
  };
  return { screen: new Screen({ write, isTerminal, columns }), written: () => written };
}

describe("a line about a call", () => {
  const { style } = record(true).screen;

  it("shows how far the job is, how long it took and what came of it", () => {
    expect(visible(liveLine(running, style, 80))).toBe(
      "  ⠴ longcat_image_generate   ■■■·· running      1.2 s",
    );
    expect(visible(liveLine(done, style, 80))).toBe(
      "  ✓ longcat_image_generate   ■■■■■ completed    3.0 s  1024×768 PNG",
    );
    expect(visible(liveLine({ ...done, failed: true, outcome: "failed" }, style, 80))).toMatch(
      /^ {2}✗ longcat.* failed$/,
    );
  });

  it("says the same in a log, without marks", () => {
    expect(loggedLine(done, 80)).toBe(
      "  longcat_image_generate   completed    3.0 s  1024×768 PNG",
    );
  });

  it.each([20, 40, 60, 80])("fits into %i columns", (columns) => {
    const long = { ...done, outcome: "x".repeat(200) };
    expect(visible(liveLine(long, style, columns)).length).toBeLessThanOrEqual(columns);
    expect(loggedLine(long, columns).length).toBeLessThanOrEqual(columns);
  });
});

describe("Screen", () => {
  it("draws rows over the ones before on a terminal", () => {
    const { screen, written } = record(true);
    screen.rows([running, running]);
    expect(written()).not.toContain(`${ESC}[2A`);
    screen.rows([running, done]);
    expect(written().split(`${ESC}[2A`)).toHaveLength(2);
    screen.endRows();
    screen.rows([running]);
    expect(written().split(`${ESC}[1A`)).toHaveLength(1);
  });

  it("appends a line for each change elsewhere, without control characters", () => {
    const { screen, written } = record(false);
    screen.rows([{ ...running, state: "calling" }, running]);
    screen.rows([running, { ...running, elapsedMs: 2_000 }]);
    screen.rows([done, { ...running, state: "completed", elapsedMs: 2_500 }]);
    screen.rows([done, done]);
    expect(written()).toBe(
      `${[running, running, done, done].map((row) => loggedLine(row, 80)).join("\n")}\n`,
    );
    expect(written()).not.toContain(ESC);
  });

  it("is never wider than 80 columns", () => {
    expect(record(true, 300).screen.columns).toBe(80);
    expect(record(true, 50).screen.columns).toBe(50);
  });
});

describe("cut", () => {
  it("marks what was left out", () => {
    expect(cut("abcdef", 6)).toBe("abcdef");
    expect(cut("abcdef", 5)).toBe("abcd…");
  });
});
