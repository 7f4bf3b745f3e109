import { comparison } from "./comparison.ts";
import { element, fact } from "./dom.ts";
import type { Lightbox } from "./lightbox.ts";
import type { Pictures } from "./pictures.ts";
import type { Picture, ShownJob } from "./shown-answer.ts";
import { layerStack } from "./stack.ts";

/** What a job looks like: how it is doing, its pictures, what was asked for and what it cost. */
export async function jobPanel(
  job: ShownJob,
  pictures: Pictures,
  lightbox: Lightbox,
): Promise<HTMLElement[]> {
  const listed = job.pictures.filter(({ role }) => role !== "sheet");
  const srcs = await Promise.all(listed.map((one) => pictures.preview(one)));
  const shown = listed.flatMap((picture, index) => {
    const src = srcs[index];
    return src === undefined ? [] : [{ picture, src, name: nameOf(job, picture, index) }];
  });
  const unshown = listed.length - shown.length;
  return [
    ...(job.areLayers && shown.length > 1 ? [stackOf(shown)] : []),
    ...(await beforeAndAfter(job, shown[0]?.src, pictures)),
    element(
      "ul",
      { class: "grid" },
      shown.map(({ picture, src, name }) => tile(picture, src, name, pictures, lightbox)),
    ),
    ...(unshown > 0 && job.isFinal
      ? [element("p", { text: `${unshown} of the pictures cannot be shown here.` })]
      : []),
    facts(job),
  ];
}

interface Seen {
  picture: Picture;
  src: string;
  name: string;
}

function stackOf(shown: readonly Seen[]): HTMLElement {
  const layers = shown.filter(({ picture }) => picture.role === undefined);
  return layerStack(layers.map(({ name, src }) => ({ name, src })));
}

async function beforeAndAfter(
  { before, areLayers }: ShownJob,
  after: string | undefined,
  pictures: Pictures,
): Promise<HTMLElement[]> {
  if (before === undefined || after === undefined || areLayers) return [];
  const src = before.startsWith("data:")
    ? before
    : await pictures.preview({ uri: before, src: undefined });
  return src === undefined ? [] : [comparison(src, after)];
}

function tile(
  picture: Picture,
  src: string,
  name: string,
  pictures: Pictures,
  lightbox: Lightbox,
): HTMLElement {
  const open = () => void lightbox.open(name, src, () => pictures.whole(picture.uri));
  const size = picture.width === undefined ? "" : `, ${picture.width} × ${picture.height}`;
  return element("li", {}, [
    element("button", { class: "tile", attributes: { type: "button" }, on: { click: open } }, [
      element("img", { class: "checkered", attributes: { src, alt: `${name}, full size` } }),
    ]),
    element("span", { class: "caption", text: `${name}${size}` }),
  ]);
}

function nameOf({ areLayers, pictures }: ShownJob, { role }: Picture, index: number): string {
  if (role === "composite") return "All layers";
  if (areLayers) return `Layer ${index + 1}`;
  return pictures.length === 1 ? "Picture" : `Picture ${index + 1}`;
}

/** What was asked for and what it cost, closed until somebody wants to see it. */
function facts({
  args,
  operation,
  jobId,
  createdAt,
  costUsd,
  charge,
  isSandbox,
  others,
}: ShownJob) {
  const asked = Object.entries(args).flatMap(([name, value]) =>
    fact(name, typeof value === "string" ? value : JSON.stringify(value)),
  );
  const money = isSandbox ? "nothing: the sandbox" : costOf(costUsd, charge);
  return element("details", {}, [
    element("summary", { text: "What was asked, and its cost" }),
    element("dl", {}, [
      ...asked,
      ...fact("made by", operation),
      ...fact("cost", money),
      ...fact("started", createdAt.slice(0, 19).replace("T", " ")),
      ...fact("job", jobId),
      ...others.flatMap((uri) => fact("file", uri)),
    ]),
  ]);
}

function costOf(usd: number | undefined, charge: string): string {
  if (charge === "none") return "nothing";
  const amount = usd === undefined ? "price unknown" : `$${usd}`;
  return charge === "spent" ? amount : `${amount} (${charge})`;
}
