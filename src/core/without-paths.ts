/** Where a path begins: not inside a word or an address, which have slashes of their own. */
const POSIX = /(?<![\p{L}\p{N}_:/.…~*?&=#%+@-])(?:file:)?\/+[^\s"'`<>|,;:()[\]{}]+/giu;
const WINDOWS = /(?<![\p{L}\p{N}_])(?:[a-z]:[\\/]|\\\\[^\s\\/"'`]+\\)[^\s"'`<>|,;:()[\]{}]*/giu;
const LAST = /[^/\\]+(?=[/\\]*$)/;

/**
 * A sentence of ours for somebody who has nothing on this machine: of every absolute path in it
 * the last name only. All paths are treated alike, also those that somebody made up, so that
 * nobody learns from it which ones there are here.
 * @param folders of ours, whose paths may have blanks in them.
 */
export function withoutPaths(text: string, folders: readonly string[]): string {
  const known = [...folders]
    .filter((folder) => /[^/\\]/.test(folder))
    .sort((a, b) => b.length - a.length)
    .reduce((all, folder) => all.replaceAll(folder, "/…"), text);
  return known.replaceAll(POSIX, lastName).replaceAll(WINDOWS, lastName);
}

function lastName(path: string): string {
  const [last = "…"] = LAST.exec(path) ?? [];
  // A sentence may end with it.
  return last === "." ? "…." : last;
}
