import { type Html, html } from "../core/html.ts";

/**
 * Markdown as what it is, text, with code set apart: nothing in it becomes a link, a picture or an
 * element of its own, so that it shows and loads what whoever wrote it has written and no more.
 */
export function formattedText(text: string): Html[] {
  const blocks: Html[] = [];
  let lines: string[] = [];
  let fence: string | undefined;
  const flush = () => {
    const block = lines.join("\n");
    lines = [];
    if (fence !== undefined) blocks.push(html`<pre tabindex="0"><code>${block}</code></pre>`);
    else if (block.trim() !== "") blocks.push(html`<p>${block.replaceAll(/^\n+|\s+$/g, "")}</p>`);
  };
  for (const line of text.split("\n")) {
    const [, mark, rest = ""] = /^ {0,3}(`{3,}|~{3,})(.*)$/.exec(line) ?? [];
    const isEnd = fence !== undefined && rest.trim() === "" && mark?.startsWith(fence);
    if (isEnd) {
      flush();
      fence = undefined;
    } else if (fence === undefined && mark !== undefined) {
      flush();
      fence = mark;
    } else {
      lines.push(line);
    }
  }
  // What was never closed goes on to the end, as everywhere.
  flush();
  return blocks;
}
