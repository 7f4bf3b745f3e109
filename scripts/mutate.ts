// Changes the program in small ways and tells which changes no test notices:
// `npm run mutate -- jobs chat --sample 60`. Works on copies; by hand, since it takes its time.
import { readdir, readFile } from "node:fs/promises";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { type Mutant, mutantsOf, mutated } from "./mutation/mutants.ts";
import { Tester } from "./mutation/tester.ts";

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
    /** Leaves out the tests of other rooms that do not name the file. */
    near: { type: "boolean", default: false },
    workers: { type: "string", default: String(Math.max(1, availableParallelism() - 1)) },
  },
});
const rooms =
  positionals.length > 0 ? positionals : ["jobs", "purchases", "chat", "inputs", "settings"];
const tasks = byTurns(await Promise.all(rooms.map(tasksOf)));
const testers = await Promise.all(
  Array.from({ length: Number(values.workers) }, () => Tester.open()),
);
const survivors: Task[] = [];
try {
  if (tasks[0]) await testers[0]?.requireTelling(tasks[0].file);
  // Most changes are noticed next door; the others are worth the whole way.
  const left = await unnoticed(tasks, "near");
  survivors.push(...(values.near ? left : await unnoticed(left, "far")));
} finally {
  for (const tester of testers) await tester.close();
}
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

/** One of each room after the other, so that whoever ends it early knows something of all. */
function byTurns(lists: readonly (readonly Task[])[]): Task[] {
  const longest = Math.max(...lists.map(({ length }) => length));
  return Array.from({ length: longest }, (_, at) => lists.flatMap((list) => list[at] ?? [])).flat();
}

/** The changes with which tests pass; every tester works through them in its copy. */
async function unnoticed(all: readonly Task[], which: "near" | "far"): Promise<Task[]> {
  const waiting = [...all];
  const found: Task[] = [];
  let done = 0;
  const work = async (tester: Tester) => {
    for (let task = waiting.shift(); task; task = waiting.shift()) {
      const change = task;
      const isFound = await tester.passes(task.file, (text) => mutated(text, change), which);
      if (isFound) found.push(task);
      const { file, line, about } = task;
      const verdict = isFound ? "unnoticed" : "noticed";
      process.stderr.write(
        `${++done} of ${all.length} ${which}: ${verdict} ${file}:${line}  ${about}\n`,
      );
    }
  };
  await Promise.all(testers.map(work));
  return found;
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
