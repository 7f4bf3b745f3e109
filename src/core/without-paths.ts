/** A path does not begin inside a word or an address, which have slashes of their own. */
const BEGINNING = "(?<![\\p{L}\\p{N}_:/\\\\.…~*?&=#%+@$-])";
const REST = "[^\\s\"'`<>|,;:()[\\]{}]";
const POSIX = new RegExp(`${BEGINNING}(?:file:)?/+${REST}+`, "giu");
const WINDOWS = new RegExp(`${BEGINNING}(?:[a-z]:[\\\\/]|\\\\\\\\${REST}+\\\\)${REST}*`, "giu");
/** What a path is cut at. */
const UNCLEAR = /[\s"'`<>|,;:()[\]{}]/;
const LAST = /[^/\\]+(?=[/\\]*$)/;

/**
 * A sentence of ours for somebody who has nothing on this machine: of every absolute path in it
 * the last name only. All paths are treated alike, also those that somebody made up, so that
 * nobody learns from it which ones there are here.
 * @param folders of ours: where a path ends cannot be seen if there are blanks in it.
 */
export function withoutPaths(text: string, folders: readonly string[]): string {
  const known = [...folders]
    .filter((folder) => UNCLEAR.test(folder))
    .sort((a, b) => b.length - a.length)
    .reduce((all, folder) => all.replaceAll(startingWith(folder), "/…"), text);
  return known.replaceAll(POSIX, lastName).replaceAll(WINDOWS, lastName);
}

function startingWith(folder: string): RegExp {
  const literal = folder.replaceAll(/[\\^$.*+?()[\]{}|/]/g, "\\$&");
  return new RegExp(`${BEGINNING}${literal}(?![\\p{L}\\p{N}_-])`, "giu");
}

function lastName(path: string): string {
  const [last = "…"] = LAST.exec(path) ?? [];
  // A sentence may end with it.
  return last === "." ? "…." : last;
}
