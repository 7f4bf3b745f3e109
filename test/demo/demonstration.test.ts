import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { fileTypeFromBuffer } from "file-type";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { EDIT, PICTURES } from "../../src/demo/scenario.ts";

const PROGRAM = resolve("dist/cli.js");

interface Ended {
  code: number | null;
  stdout: string;
  stderr: string;
}

function demo(environment: Record<string, string>): Promise<Ended> {
  return new Promise((done) => {
    const child = spawn(process.execPath, [PROGRAM, "demo"], {
      env: { ...process.env, LONGCAT_MCP_SANDBOX_SPEED: "40", ...environment },
    });
    let stdout = "";
    let stderr = "";
    child.stdout.on("data", (chunk) => {
      stdout += chunk;
    });
    child.stderr.on("data", (chunk) => {
      stderr += chunk;
    });
    child.on("close", (code) => done({ code, stdout, stderr }));
  });
}

/** Of somebody who works with a database and a bucket, none of which answers, and has spent all. */
const HINDERING = {
  LONGCAT_MCP_TOOLSETS: "chat",
  LONGCAT_MCP_DATABASE_URL: "postgres://ann:word@127.0.0.1:1/jobs",
  LONGCAT_MCP_MEDIA_URL: "s3://files?endpoint=http://127.0.0.1:1&region=here",
  AWS_ACCESS_KEY_ID: "ann",
  AWS_SECRET_ACCESS_KEY: "a-secret",
  LONGCAT_MCP_BUDGET_USD_PER_DAY: "0",
};

describe("longcat-mcp demo in a pipe", () => {
  const folder = mkdtempSync(join(tmpdir(), "demo-test-"));
  const output = join(folder, "pictures");
  let ended: Ended;
  beforeAll(async () => {
    ended = await demo({ LONGCAT_MCP_OUTPUT_DIR: output, ...HINDERING });
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it("succeeds and says nothing on stderr", () => {
    expect(ended).toMatchObject({ code: 0, stderr: "" });
  });

  it("names files that exist and are PNGs", async () => {
    const lines = ended.stdout.split("\n").map((line) => line.trim());
    const day = lines.find((line) => line.startsWith(output)) ?? "";
    const files = lines.filter((line) => line.endsWith(".png"));
    expect(files).toHaveLength(PICTURES.length + 1);
    for (const file of files) {
      const type = await fileTypeFromBuffer(readFileSync(join(day, file)));
      expect(type?.mime).toBe("image/png");
    }
  });

  it("shows every job through to its end", () => {
    for (const { tool } of [...PICTURES, EDIT]) {
      expect(ended.stdout).toMatch(new RegExp(`${tool} +completed +[\\d.]+ s +\\d+×\\d+ PNG`));
    }
  });

  it("shows a delegated task and what came back", () => {
    expect(ended.stdout).toMatch(
      /longcat_chat +completed +[\d.]+ s +[\d,]+ tokens in, \d+ tokens out/,
    );
    expect(ended.stdout).toMatch(
      /claude mcp add longcat \\\n +--env PIXAZO_API_KEY=\S+ --env LONGCAT_API_KEY=\S+ -- \\\n +\S*node \S+cli\.js\n/,
    );
    expect(ended.stdout).toMatch(/- README\.md: \d+ lines/);
    expect(ended.stdout).toMatch(/- package\.json: \d+ lines/);
  });

  it("needs 80 columns at most, and no control characters", () => {
    const lines = ended.stdout.split("\n").filter((line) => !/^\s+\//.test(line));
    expect(lines.filter((line) => line.length > 80)).toEqual([]);
    expect(ended.stdout).not.toContain("\u001b");
  });
});

it("longcat-mcp demo says what went wrong, with exit code 1", async () => {
  const ended = await demo({ LONGCAT_MCP_OUTPUT_DIR: "/dev/null/nowhere" });
  expect(ended.code).toBe(1);
  expect(ended.stdout).toContain("The demo failed: storage: The output folder /dev/null/nowhere");
});
