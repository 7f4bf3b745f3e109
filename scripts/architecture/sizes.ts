import type { Module } from "./modules.ts";
import type { Rules } from "./rules.ts";

type Sized = Pick<Module, "lines">;

/**
 * In which way the program's files, all together, depart from the sizes of the rules, and whether
 * its tests are as many lines as itself; a sentence each.
 */
export function sizeComplaints(
  program: readonly Sized[],
  tests: readonly Sized[],
  { sizes }: Pick<Rules, "sizes">,
): string[] {
  const lines = program.map((one) => one.lines).sort((a, b) => a - b);
  const at = (share: number) => lines[Math.ceil(lines.length * share) - 1] ?? 0;
  const [source, tested] = [sum(program), sum(tests)];
  return [
    ...(at(0.5) > sizes.median
      ? [`Half of all files have ${at(0.5)} lines or more, which is to be ${sizes.median} at most.`]
      : []),
    ...(at(0.9) > sizes.ninth
      ? [`One file of ten has ${at(0.9)} lines or more, which is to be ${sizes.ninth} at most.`]
      : []),
    ...(tested < source
      ? [`The tests have ${tested} lines and the program ${source}: they are to be no fewer.`]
      : []),
  ];
}

function sum(files: readonly Sized[]): number {
  return files.reduce((all, { lines }) => all + lines, 0);
}
