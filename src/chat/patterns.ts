import { relative, sep } from "node:path";

/** From a folder to something in it, with slashes. */
export function wayTo(path: string, folder: string): string {
  const way = path.startsWith(folder + sep)
    ? path.slice(folder.length + 1)
    : relative(folder, path);
  return sep === "/" ? way : way.split(sep).join("/");
}
