// Changes the program in small ways and tells which changes no test notices:
// `npm run mutate -- jobs chat --sample 60`. Works on copies; by hand, since it takes its time.
import { execFile } from "node:child_process";
import { cp, mkdtemp, readdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { availableParallelism, tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { parseArgs, promisify } from "node:util";
import { type Mutant, mutantsOf, mutated } from "./mutation/mutants.ts";

const run = promisify(execFile);
const LONGEST_MS = 120_000;
/** Everything else is copied: tests look at pages and at other files as well. */
const LEFT_OUT = ["node_modules", ".git", "dist"];

interface Task extends Mutant {
  file: string;
  room: string;
}

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    /** Of each room, spread evenly over its files. */
    sample: { type: "string", default: "50" },
    /** Where in the row of mutants the sample begins. */
    seed: { type: "string", default: "0" },
    workers: { type: "string", default: String(Math.max(1, availableParallelism() - 1)) },
  },
});
const rooms = positionals.length > 0 ? positionals : ["jobs", "chat", "settings"];
const tasks = (await Promise.all(rooms.map(tasksOf))).flat();
const survivors: Task[] = [];
let done = 0;
const waiting = [...tasks];
await Promise.all(Array.from({ length: Number(values.workers) }, work));
report();

async function tasksOf(room: string): Promise<Task[]> {
  const folder = join("src", room);
  const files = (await readdir(folder, { recursive: true })).filter((file) => file.endsWith(".ts"));
  const all = (
    await Promise.all(
      files.sort().map(async (name) => {
        const file = join(folder, name);
        return mutantsOf(file, await readFile(file, "utf8")).map((one) => ({ ...one, file, room }));
      }),
    )
  ).flat();
  const step = Math.max(1, all.length / Number(values.sample));
  const first = Number(values.seed) % Math.ceil(step);
  return all.filter((_, position) => position >= first && (position - first) % step < 1);
}

/** Works through the tasks in a copy of its own. */
async function work(): Promise<void> {
  // Not below `node_modules`, where the runner takes nothing for a source.
  const copy = await mkdtemp(join(tmpdir(), "mutate-"));
  try {
    for (const name of await readdir(".")) {
      if (!LEFT_OUT.includes(name)) await cp(name, join(copy, name), { recursive: true });
    }
    await symlink(resolve("node_modules"), join(copy, "node_modules"));
    const [first] = waiting;
    if (first) await requireTelling(copy, first.file);
    for (let task = waiting.shift(); task; task = waiting.shift()) {
      if (await survives(copy, task.file, (text) => mutated(text, task))) survivors.push(task);
      process.stderr.write(`\r${++done} of ${tasks.length}, ${survivors.length} unnoticed `);
    }
  } finally {
    await rm(copy, { recursive: true, force: true });
  }
}

/** Tests that fail anyhow, or pass whatever happens, would say nothing of any change. */
async function requireTelling(copy: string, file: string): Promise<void> {
  if (!(await survives(copy, file, (text) => text))) {
    throw new Error(`The tests of ${file} fail without a change.`);
  }
  if (await survives(copy, file, () => 'throw new Error("broken");')) {
    throw new Error(`The tests of ${file} pass without it.`);
  }
}

/** Whether the tests of a file pass with what is made of it. */
async function survives(
  copy: string,
  file: string,
  change: (text: string) => string,
): Promise<boolean> {
  const path = join(copy, file);
  const text = await readFile(path, "utf8");
  await writeFile(path, change(text));
  try {
    const vitest = resolve("node_modules/vitest/vitest.mjs");
    const projects = ["--project", "unit", "--project", "rooms"];
    const args = ["related", file, "--run", ...projects, "--bail", "1"];
    await run(process.execPath, [vitest, ...args, "--reporter", "dot"], {
      cwd: copy,
      timeout: LONGEST_MS,
    });
    return true;
  } catch {
    return false;
  } finally {
    await writeFile(path, text);
  }
}

function report(): void {
  process.stdout.write("\n");
  for (const room of rooms) {
    const own = tasks.filter((task) => task.room === room).length;
    const left = survivors.filter((task) => task.room === room);
    const score = own === 0 ? 0 : Math.round((100 * (own - left.length)) / own);
    process.stdout.write(`${room}: ${own - left.length} of ${own} noticed (${score} %)\n`);
    for (const { file, line, about } of left) {
      process.stdout.write(`  ${file}:${line}  ${about}\n`);
    }
  }
}
