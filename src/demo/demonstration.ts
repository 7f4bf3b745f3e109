import { existsSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import { type Clock, systemClock } from "../core/clock.ts";
import { packageRoot } from "../core/package-root.ts";
import { EDIT, PICTURES, TASK } from "./scenario.ts";
import { cut, type Row, Screen, type ScreenOptions } from "./screen.ts";
import { type DemoJob, Session } from "./session.ts";

const REDRAW_MS = 80;
const NAME_COLUMNS = 28;

export interface DemoOptions extends ScreenOptions {
  /** This very program: how to start it again. */
  program: { command: string; script: string };
  /** The words with which a user starts it. */
  start: string;
  environment: Readonly<Record<string, string | undefined>>;
  /** Divides the sandbox's times. */
  sandboxSpeed: number;
  /** Aborts when the user has had enough. */
  signal: AbortSignal;
}

interface Finished {
  tool: string;
  job: DemoJob;
}

/**
 * Shows the main job: starts this program as an MCP server on the sandbox and does with it what an
 * assistant does.
 * @returns the exit code: 0 when all went well, 1 otherwise.
 */
export async function runDemo(options: DemoOptions): Promise<number> {
  const screen = new Screen(options);
  const session = new Session(options.signal);
  const dataDir = await mkdtemp(join(tmpdir(), "longcat-mcp-demo-"));
  try {
    await show(screen, session, options, dataDir);
    return 0;
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    const said = session.stderr === "" ? "" : `\nThe server said: ${session.stderr}`;
    screen.line();
    screen.line(
      options.signal.aborted ? "The demo was stopped." : `The demo failed: ${reason}${said}`,
    );
    return 1;
  } finally {
    await session.close().catch(() => undefined);
    await rm(dataDir, { recursive: true, force: true, maxRetries: 3 });
  }
}

async function show(
  screen: Screen,
  session: Session,
  options: DemoOptions,
  dataDir: string,
): Promise<void> {
  const { program, environment, sandboxSpeed } = options;
  screen.line(screen.style.strong("longcat-mcp demo"));
  screen.line("An MCP client, this server and its sandbox: no key, no network, no cost.");

  await session.open({
    command: program.command,
    args: [program.script, "--sandbox", "--sandbox-speed", String(sandboxSpeed)],
    environment: {
      ...environment,
      ...UNSET,
      LONGCAT_MCP_DATA_DIR: dataDir,
      LONGCAT_MCP_INPUT_DIRS: packageRoot(),
    },
  });
  const tools = await session.tools();
  screen.heading(`${tools.length} tools for the assistant`);
  for (const { name, title } of tools) {
    const room = screen.columns - NAME_COLUMNS - 3;
    screen.line(`  ${name.padEnd(NAME_COLUMNS)} ${screen.style.faint(cut(title, room))}`);
  }

  screen.heading(`${PICTURES.length} pictures at once, each by another model`);
  for (const picture of PICTURES) quotePrompt(screen, picture.arguments["prompt"]);
  const made = await makeAll(screen, session, PICTURES);

  screen.heading("One of them edited, its bytes read back through MCP");
  quotePrompt(screen, EDIT.arguments["prompt"]);
  const image = await session.readDataUri(made[0]?.job.media[0]?.uri ?? "");
  const edited = await makeAll(screen, session, [
    { tool: EDIT.tool, arguments: { ...EDIT.arguments, image } },
  ]);

  screen.heading("A task handed to LongCat, with files that the assistant need not read");
  quotePrompt(screen, TASK.arguments.prompt);
  await delegate(screen, session);

  showFiles(screen, [...made, ...edited]);
  showNext(screen, options.start);
}

/** Hands a task over and shows what comes back. */
async function delegate(screen: Screen, session: Session): Promise<void> {
  const { tool, arguments: args } = TASK;
  const files = args.files
    .map((name) => join(packageRoot(), name))
    .filter((path) => existsSync(path));
  const startedAt = systemClock.elapsed();
  const row: Row = { tool, state: "calling", elapsedMs: 0 };
  const draw = () => {
    row.elapsedMs = systemClock.elapsed() - startedAt;
    screen.rows([row]);
  };
  draw();
  const answer = await session.ask(tool, { ...args, files }, (state) => {
    row.state = state;
    draw();
  });
  row.state = "completed";
  row.outcome = /[\d,]+ tokens in, [\d,]+ tokens out/.exec(answer)?.[0] ?? "answered";
  draw();
  screen.endRows();
  for (const line of answer.split("\n").filter((one) => one.startsWith("- "))) {
    screen.line(screen.style.faint(cut(`  ${line}`, screen.columns)));
  }
}

/** Nothing is asked of anything but this machine. */
const UNSET = {
  HTTP_PROXY: "",
  http_proxy: "",
  HTTPS_PROXY: "",
  https_proxy: "",
  ALL_PROXY: "",
  all_proxy: "",
} as const;

function quotePrompt(screen: Screen, prompt: unknown): void {
  screen.line(screen.style.faint(cut(`  > ${String(prompt)}`, screen.columns)));
}

/** Makes pictures at the same time, a row each. */
async function makeAll(
  screen: Screen,
  session: Session,
  pictures: readonly { tool: string; arguments: Readonly<Record<string, unknown>> }[],
): Promise<Finished[]> {
  const clock: Clock = systemClock;
  const startedAt = clock.elapsed();
  const elapsed = () => clock.elapsed() - startedAt;
  const rows = pictures.map(({ tool }): Row => ({ tool, state: "calling", elapsedMs: 0 }));
  const draw = () => {
    for (const row of rows) if (row.outcome === undefined) row.elapsedMs = elapsed();
    screen.rows(rows);
  };
  let callOff = () => {};
  const tick = () => {
    draw();
    callOff = clock.schedule(REDRAW_MS, tick);
  };
  tick();
  try {
    return await Promise.all(
      pictures.map(async ({ tool, arguments: args }, n): Promise<Finished> => {
        const row = rows[n] ?? { tool, state: "", elapsedMs: 0 };
        try {
          const job = await session.make(tool, args, (state) => {
            row.state = state;
            draw();
          });
          row.state = "completed";
          row.elapsedMs = elapsed();
          row.outcome = facts(job);
          return { tool, job };
        } catch (error) {
          row.failed = true;
          row.outcome = "failed";
          throw error;
        } finally {
          draw();
        }
      }),
    );
  } finally {
    callOff();
    draw();
    screen.endRows();
  }
}

function facts(job: DemoJob): string {
  const [first] = job.media;
  if (!first) return "";
  const type = first.mime_type.replace(/^image\//, "").toUpperCase();
  return `${first.width}×${first.height} ${type}`;
}

function showFiles(screen: Screen, finished: readonly Finished[]): void {
  const paths = finished.flatMap(({ job }) => job.media.map(({ path }) => path));
  for (const folder of new Set(paths.map((path) => dirname(path)))) {
    screen.heading("The files");
    screen.line(`  ${folder}`);
    for (const path of paths.filter((one) => dirname(one) === folder)) {
      screen.line(`    ${basename(path)}`);
    }
  }
  screen.heading("Charged: nothing");
  screen.line("  The sandbox drew these stand-ins. What the provider prints as its prices:");
  for (const { tool, job } of finished) {
    const price = job.cost_usd === null ? "no price printed" : `$${job.cost_usd}`;
    screen.line(`  ${tool.padEnd(NAME_COLUMNS)} ${price}`);
  }
}

function showNext(screen: Screen, start: string): void {
  screen.heading("Next: give it to your assistant, here Claude Code");
  screen.line("  claude mcp add longcat \\");
  screen.line("    --env PIXAZO_API_KEY=your-key --env LONGCAT_API_KEY=your-key -- \\");
  screen.line(`    ${start}`);
  screen.line("  The first key is for pictures, the second for the delegate. With --sandbox");
  screen.line("  at its end it needs neither, and makes stand-ins like these.");
  screen.line("  README.md has Claude Desktop, Codex, Cursor, VS Code and others.");
}
