import type { Module } from "./modules.ts";
import type { Room, Rules } from "./rules.ts";

/** Everything in which the program departs from its rules, a sentence each; empty where it does not. */
export function complaints(modules: readonly Module[], rules: Rules): string[] {
  return [
    ...circleComplaints(rules.rooms),
    ...nameComplaints(modules),
    ...modules.flatMap((module) => layerComplaints(module, rules.rooms)),
    ...modules.flatMap((module) => reservedComplaints(module, rules)),
    ...modules.flatMap((module) => codeComplaints(module, rules)),
  ];
}

/** The room that a path lies in. */
export function roomOf(path: string, rooms: readonly Room[]): Room | undefined {
  return rooms
    .filter((room) => within(path, room.path))
    .sort((a, b) => b.path.length - a.path.length)[0];
}

function within(path: string, room: string): boolean {
  return room.endsWith("/") ? path.startsWith(room) : path === room;
}

/** Rules under which rooms could come to lean on each other. */
function circleComplaints(rooms: readonly Room[]): string[] {
  const usesOf = new Map(rooms.map(({ path, uses }) => [path, uses]));
  const reaches = (from: string, to: string, seen = new Set<string>()): boolean => {
    if (seen.has(from)) return false;
    seen.add(from);
    return (usesOf.get(from) ?? []).some((next) => next === to || reaches(next, to, seen));
  };
  return rooms.flatMap(({ path }) =>
    reaches(path, path) ? [`${path} may import itself by way of other rooms.`] : [],
  );
}

function nameComplaints(modules: readonly Module[]): string[] {
  const byName = new Map<string, string[]>();
  for (const { path } of modules) {
    const name = path.slice(path.lastIndexOf("/") + 1);
    byName.set(name, [...(byName.get(name) ?? []), path]);
  }
  return [...byName.values()]
    .filter((paths) => paths.length > 1)
    .map((paths) => `${paths.join(", ")} have one name: each is to say what it is.`);
}

function layerComplaints({ path, imports }: Module, rooms: readonly Room[]): string[] {
  const from = roomOf(path, rooms);
  if (!from) return [`${path} lies in no room of the rules.`];
  return imports.flatMap((imported) => {
    const to = roomOf(imported, rooms);
    if (!to || to === from || from.uses.includes(to.path)) return [];
    const allowed = from.uses.length === 0 ? "nothing of ours" : from.uses.join(", ");
    return [`${path} imports ${imported}: ${from.path} may import ${allowed}.`];
  });
}

function codeComplaints({ path, lines, liberties }: Module, { maxLines }: Rules): string[] {
  const long = `${path} has ${lines} lines, more than ${maxLines}: a file has one reason to exist.`;
  return [
    ...(lines > maxLines ? [long] : []),
    ...liberties.map(({ line, what }) => `${path}:${line} has ${what}.`),
  ];
}

function reservedComplaints({ path, packages, texts }: Module, { reserved }: Rules): string[] {
  return reserved.flatMap((kind) => {
    if (kind.only.some((room) => within(path, room))) return [];
    const used = packages.find((name) => kind.packages?.includes(name));
    const written = texts.find((text) => kind.text?.test(text));
    const found =
      used ?? (written === undefined ? undefined : JSON.stringify(written.slice(0, 60)));
    return found === undefined
      ? []
      : [`${path} has ${kind.what} (${found}); only ${kind.only.join(", ")} may.`];
  });
}
