import { comparison } from "../viewer/comparison.ts";
import type { Lightbox } from "../viewer/lightbox.ts";
import { layerStack } from "../viewer/stack.ts";

/** Gives the page of a job what takes a script: pictures over all else, layers, before and after. */
export function dressJob(document: Document, lightbox: Lightbox): void {
  const figures = document.getElementById("figures");
  if (!figures) return;
  const links = [...figures.querySelectorAll<HTMLAnchorElement>("a[data-name]")];
  for (const link of links) {
    link.addEventListener("click", (event) => {
      if (event.ctrlKey || event.metaKey || event.shiftKey) return;
      event.preventDefault();
      void lightbox.open(nameOf(link), link.href, async () => link.href);
    });
  }
  const { before, after } = figures.dataset;
  if (before !== undefined && after !== undefined) figures.before(comparison(before, after));
  const layers = links.filter((link) => "own" in link.dataset);
  if ("layers" in figures.dataset && layers.length > 1) {
    figures.before(layerStack(layers.map((link) => ({ name: nameOf(link), src: link.href }))));
  }
}

function nameOf(link: HTMLAnchorElement): string {
  return link.dataset["name"] ?? "Picture";
}
