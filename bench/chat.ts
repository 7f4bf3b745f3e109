import { mkdir, writeFile } from "node:fs/promises";
import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { median, Program } from "./child.ts";

const FILES = 400;
const FILE_BYTES = 9_000;
const TOKENS = 100_000;
const TENTH = TOKENS / 10;
const SHORT = "a tenth of it";
const LONG = "a very long one";
/** So many short answers are as many words as a long one. */
const SHORT_ROUNDS = 10;
const ROUNDS = 15;
const FRESH_ROUNDS = 3;
const SETTLE_MS = 300;
/** What the platform says of the model that is asked: how much a turn may hold. */
const MODEL = JSON.stringify({ id: "LongCat-2.0-Preview", context_length: 1_048_576 });

export interface ChatFigures {
  /** From the platform's first token to the first progress that tells of it. */
  firstProgressMs: number;
  attachedBytes: number;
  /** Of a server that has answered before. */
  memoryGrowthBytes: number;
  /** The peak of a fresh server that attaches them at once, beyond that of one that does not. */
  firstGrowthBytes: number;
  /** What attaching adds to a call. */
  attachMs: number;
  /** Processor time for each token of answers of a tenth of a very long one, and of that. */
  shortTokenUs: number;
  longTokenUs: number;
}

const event = (content: string, finish: string | null = null) =>
  `data: ${JSON.stringify({ choices: [{ index: 0, delta: { content }, finish_reason: finish }] })}\n\n`;

/** Delegated turns through the program, on a platform that answers at once. */
export async function measureChat(
  cli: string,
  env: Record<string, string>,
  folder: string,
): Promise<ChatFigures> {
  let spokenAt = 0;
  const platform = createServer((request, response) => {
    let tokens = 0;
    request.on("data", (chunk: Buffer) => {
      if (chunk.includes(SHORT)) tokens = TENTH;
      if (chunk.includes(LONG)) tokens = TOKENS;
    });
    request.on("end", () => {
      if (request.method === "GET") return response.end(MODEL);
      response.writeHead(200, { "content-type": "text/event-stream" });
      if (tokens > 0) return void speak(response, tokens);
      spokenAt = performance.now();
      response.write(event("Hello"));
      setTimeout(() => response.end(`${event("", "stop")}data: [DONE]\n\n`), SETTLE_MS / 10);
      return undefined;
    });
  });
  await new Promise<void>((resolve) => platform.listen(0, "127.0.0.1", resolve));
  const { port } = platform.address() as AddressInfo;
  const project = join(folder, "project");
  await mkdir(project);
  const line = "const answer = question.trim().split(' ').map((word) => word.length); // words\n";
  const content = line.repeat(Math.ceil(FILE_BYTES / line.length));
  for (let n = 0; n < FILES; n++) await writeFile(join(project, `file-${n}.ts`), content);

  const all = [join(project, "**/*.ts")];
  const open = async (dataDir: string) => {
    const program = new Program([cli], {
      ...env,
      LONGCAT_API_KEY: "bench-key-0123456789",
      LONGCAT_BASE_URL: `http://127.0.0.1:${port}`,
      LONGCAT_MCP_DATA_DIR: join(folder, dataDir),
      LONGCAT_MCP_INPUT_DIRS: folder,
    });
    await program.initialize();
    const ask = (prompt: string, files: string[] = []) =>
      program.request("tools/call", {
        name: "longcat_chat",
        arguments: { prompt, files, wait_seconds: 45 },
        _meta: { progressToken: prompt },
      });
    return { program, ask };
  };
  const firstPeak = async (files: string[]) => {
    const peaks: number[] = [];
    for (let round = 0; round < FRESH_ROUNDS; round++) {
      const { program, ask } = await open(`fresh-${files.length}-${round}`);
      await ask("the first turn", files);
      await pause();
      peaks.push(program.peakBytes());
      await program.end();
    }
    return median(peaks);
  };

  const { program, ask } = await open("data");
  try {
    const delays: number[] = [];
    const plain: number[] = [];
    for (let round = 0; round < ROUNDS; round++) {
      let heardAt = 0;
      program.onNotification = (message) => {
        if (heardAt === 0 && message.includes("characters so far")) heardAt = performance.now();
      };
      const startedAt = performance.now();
      await ask(`round ${round}`);
      plain.push(performance.now() - startedAt);
      delays.push(heardAt - spokenAt);
    }
    // The first long job brings the program's memory to its working size.
    await ask(LONG);
    const shortMs = await cpuOf(program, async () => {
      for (let round = 0; round < SHORT_ROUNDS; round++) await ask(`${SHORT}, ${round}`);
    });
    const longMs = await cpuOf(program, () => ask(`${LONG}, again`));
    await ask("one file to begin with", [join(project, "file-1.ts")]);
    await pause();

    program.forgetPeak();
    const before = program.residentBytes();
    const startedAt = performance.now();
    await ask("all of it", all);
    const attachMs = performance.now() - startedAt - median(plain);
    const memoryGrowthBytes = program.peakBytes() - before;
    return {
      firstProgressMs: median(delays),
      attachedBytes: FILES * content.length,
      memoryGrowthBytes,
      firstGrowthBytes: (await firstPeak(all)) - (await firstPeak([])),
      attachMs,
      shortTokenUs: (shortMs / SHORT_ROUNDS / TENTH) * 1000,
      longTokenUs: (longMs / TOKENS) * 1000,
    };
  } finally {
    await program.end();
    platform.closeAllConnections();
    platform.close();
  }
}

/** Says so many tokens as fast as they are read. */
async function speak(response: ServerResponse, tokens: number): Promise<void> {
  for (let token = 1; token <= tokens; token++) {
    if (!response.write(event("word "))) {
      await new Promise((resolve) => response.once("drain", resolve));
    }
  }
  response.end("data: [DONE]\n\n");
}

/**
 * Processor time, in milliseconds: on the wire the network's own room hides how fast the first
 * megabytes of an answer are read.
 */
async function cpuOf(program: Program, run: () => Promise<unknown>): Promise<number> {
  const before = program.cpuMs();
  await run();
  return program.cpuMs() - before;
}

function pause(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, SETTLE_MS));
}
