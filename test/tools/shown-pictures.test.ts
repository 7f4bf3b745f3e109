import sharp from "sharp";
import { describe, expect, it } from "vitest";
import { AppError } from "../../src/core/errors.ts";
import type { Medium, WholeJob } from "../../src/jobs/job.ts";
import type { Sheet } from "../../src/purchases/contact-sheets.ts";
import { type ShowingOptions, shownPictures } from "../../src/tools/shown-pictures.ts";
import { ON_THIS_MACHINE } from "../../src/tools/whereabouts.ts";
import { picture } from "../support/pictures.ts";
import { leftJob, OWNER, openRig } from "../support/rig.ts";

const SHEET = { width: 99, height: 33 };

/** What is shown of a job with so many pictures; its sheet is known by its shape. */
async function shown(
  count: number,
  wishes: Partial<ShowingOptions>,
  change: Partial<WholeJob> = {},
) {
  const rig = await openRig({ origin: "http://127.0.0.1:9" });
  const naming = { operation: "x", words: "", createdAt: 1, jobId: `job_${"a".repeat(26)}` };
  const media: Medium[] = [];
  for (let index = 1; index <= count; index++) {
    const bytes = await picture("png");
    const { ref, ...kept } = await rig.media.put(bytes, {
      ...naming,
      owner: OWNER,
      index,
      extension: "png",
    });
    const size = { width: 40, height: 30 };
    media.push({ index, url: "", path: ref, mimeType: "image/png", ...size, copies: [], ...kept });
  }
  const job = leftJob({ baseUrl: "http://127.0.0.1:9", state: "completed", media, ...change });
  const sheetOf = async (): Promise<Sheet> => ({
    source: await picture("png", SHEET),
    path: "/out/sheet.png",
  });
  const options: ShowingOptions = {
    media: rig.media,
    previews: "on",
    sheetOf,
    where: ON_THIS_MACHINE,
    ...wishes,
  };
  const { blocks, notes } = await shownPictures(job, job.media, options);
  const widths = await Promise.all(
    blocks.map(async (block) =>
      block.type === "image"
        ? (await sharp(Buffer.from(block.data, "base64")).metadata()).width
        : 0,
    ),
  );
  const isSheet = widths.length === 1 && widths[0] === SHEET.width;
  return { what: isSheet ? "sheet" : widths.length, notes };
}

describe("the pictures of an answer", () => {
  it.each([
    ["four come apart", 4, {}, 4],
    ["more than four come as one sheet", 5, {}, "sheet"],
    ["each comes where that is asked for", 5, { wish: "on" }, 5],
    ["a sheet is made of two where it is asked for", 2, { wish: "sheet" }, "sheet"],
    ["one is its own sheet", 1, { wish: "sheet" }, 1],
    ["none comes where none is wanted", 5, { wish: "off" }, 0],
    ["the setting says what comes unasked", 5, { previews: "off" }, 0],
    ["a call beats the setting", 2, { previews: "off", wish: "on" }, 2],
    ["a call beats the setting with a sheet too", 2, { previews: "off", wish: "sheet" }, "sheet"],
    ["whole files come apart up to four", 4, { previews: "full" }, 4],
    ["whole files come as a sheet as well", 5, { previews: "full" }, "sheet"],
    ["a second look brings none", 2, { isSecondLook: true }, 0],
    ["a second look brings what it asks for", 2, { isSecondLook: true, wish: "on" }, 2],
    ["and a sheet", 2, { isSecondLook: true, wish: "sheet" }, "sheet"],
  ] as const)("%s", async (_, count, wishes, expected) => {
    expect((await shown(count, wishes)).what).toBe(expected);
  });

  it("of layers come as one sheet, however few they are", async () => {
    const layers = { operation: "qwen_image_layered" };
    expect((await shown(2, {}, layers)).what).toBe("sheet");
    expect((await shown(2, { wish: "on" }, layers)).what).toBe(2);
  });

  it("on a sheet are said to be, with its place; a second look says how to see them", async () => {
    expect((await shown(5, {})).notes).toEqual([
      "All pictures are shown on one sheet, numbered as in the list: /out/sheet.png",
    ]);
    expect((await shown(5, { isSecondLook: true })).notes).toEqual([
      'Pictures as before: `previews: "on"` or `"sheet"` shows them.',
    ]);
    expect((await shown(5, { wish: "off" })).notes).toEqual([]);
    expect((await shown(5, { previews: "off", isSecondLook: true })).notes).toEqual([]);
  });

  it.each([
    ["cannot be made", () => Promise.reject(new AppError("storage", "The disk is gone."))],
    ["cannot be read", async () => ({ source: Buffer.from("text"), path: undefined })],
  ])("come apart where the sheet %s", async (_, sheetOf) => {
    expect((await shown(5, { sheetOf })).what).toBe(5);
  });

  it("that nobody can decode are no sheet, and each has its reason", async () => {
    const { what, notes } = await shown(5, {}, { media: [1, 2, 3, 4, 5].map(undecodable) });
    expect(what).toBe(0);
    expect(notes).toHaveLength(5);
    expect(notes[0]).toMatch(/is not shown: it cannot be read as a picture\.$/);
  });
});

function undecodable(index: number): Medium {
  const path = `/nowhere/${index}.png`;
  return { index, url: "", path, mimeType: "image/png", sizeBytes: 1, sha256: "ab", copies: [] };
}
