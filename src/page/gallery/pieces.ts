/** A page of this server, as a document of its own in which nothing runs or loads. */
export async function fetchPage(path: string): Promise<Document | undefined> {
  try {
    const answer = await fetch(path, { credentials: "same-origin", redirect: "error" });
    if (!answer.ok) return undefined;
    return new DOMParser().parseFromString(await answer.text(), "text/html");
  } catch {
    return undefined;
  }
}

/** Adds the days of another page to the grid; what belongs to a day that is there is put to it. */
export function appendDays(grid: Element, from: ParentNode): void {
  for (const day of from.querySelectorAll<HTMLElement>("#grid .day")) {
    const last = grid.lastElementChild;
    const isSame =
      last instanceof HTMLElement && last.dataset["day"] === day.dataset["day"] && last !== day;
    const tiles = isSame ? last.querySelector(".tiles") : null;
    if (tiles) tiles.append(...(day.querySelector(".tiles")?.children ?? []));
    else grid.append(day);
  }
}

/** Puts a tile where it belongs: in place of itself, or before all others of its day. */
export function placeTile(grid: Element, fragment: ParentNode, mayAdd: boolean): void {
  const day = fragment.querySelector<HTMLElement>(".day");
  const tile = day?.querySelector(".card");
  if (!day || !tile) return;
  const there = document.getElementById(tile.id);
  if (there) {
    there.replaceWith(tile);
    return;
  }
  if (!mayAdd) return;
  const first = grid.firstElementChild;
  const tiles =
    first instanceof HTMLElement && first.dataset["day"] === day.dataset["day"]
      ? first.querySelector(".tiles")
      : null;
  if (tiles) tiles.prepend(tile);
  else grid.prepend(day);
  document.querySelector(".nothing")?.remove();
}
