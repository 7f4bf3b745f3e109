// Tests what a file of a copy of this project can break, as often as it is asked to: one warm runner,
// in a process of its own, since a mutant can go round for ever.
import { readFile } from "node:fs/promises";
import { basename, join, relative, sep } from "node:path";
import { createVitest } from "vitest/node";

const [copy] = process.argv.slice(2);
const runner = await createVitest(
  "test",
  {
    root: copy,
    watch: true,
    bail: 1,
    project: ["unit", "together", "rooms", "alone"],
    reporters: [{}],
  },
  // Which file has changed is told by whoever asks.
  { server: { watch: null } },
);
await runner.standalone();
process.on("message", async ({ file, isNear }) => {
  runner.invalidateFile(file);
  runner.config.related = [file];
  const all = await runner.getRelevantTestSpecifications();
  const near = await Promise.all(all.map(({ moduleId }) => isNextDoor(moduleId, file)));
  process.send({ isGood: await passes(all.filter((_, at) => near[at] === isNear)) });
});
process.on("disconnect", () => process.exit());
process.send("ready");

async function passes(specifications) {
  if (specifications.length === 0) return true;
  const { testModules, unhandledErrors } = await runner.rerunTestSpecifications(specifications);
  return unhandledErrors.length === 0 && testModules.every((module) => module.ok());
}

/** Whether a test is of the file's own room, or names the file itself. */
async function isNextDoor(test, file) {
  const [, room] = relative(copy, file).split(sep);
  if (test.startsWith(join(copy, "test", room) + sep)) return true;
  return (await readFile(test, "utf8")).includes(`/${room}/${basename(file)}"`);
}
