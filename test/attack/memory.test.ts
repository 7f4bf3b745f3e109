import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import sharp, { type JpegOptions } from "sharp";
import { describe, expect, test } from "vitest";
import { textOf } from "../e2e/answers.ts";
import { Bench } from "../e2e/harness.ts";

const SIDE_PX = 10_000;
const TILE_PX = 512;
const MAX_RSS_MB = { alone: 400, atOnce: 600 };
/** Slow machines only need longer; nothing here is about time. */
const PATIENTLY = { timeout: 1_200_000 };

/** The most memory that a process has ever had, in MB; only Linux tells it of others. */
async function peakMb(pid: number | undefined): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, "utf8");
  const [, kib] = /^VmHWM:\s+(\d+) kB$/m.exec(status) ?? [];
  return (Number(kib) * 1024) / 1_000_000;
}

/** A lying picture of 100 megapixels, full of noise that a photo has less of. */
async function large(options: JpegOptions): Promise<Buffer> {
  const noise = Buffer.alloc(TILE_PX * TILE_PX * 3);
  for (let at = 0, seed = 1; at < noise.length; at++) {
    seed = (Math.imul(seed, 1_103_515_245) + 12_345) >>> 0;
    noise[at] = seed >>> 24;
  }
  const tile = await sharp(noise, { raw: { width: TILE_PX, height: TILE_PX, channels: 3 } })
    .blur(0.6)
    .png()
    .toBuffer();
  const more = SIDE_PX - TILE_PX;
  return sharp(tile)
    .extend({ right: more, bottom: more, extendWith: "repeat" })
    .withMetadata({ orientation: 6 })
    .jpeg({ optimiseCoding: false, ...options })
    .toBuffer();
}

/** Lets the program turn a picture so many times at once. @returns the answers and the peak in MB. */
async function turned(bytes: Buffer, times: number): Promise<{ texts: string[]; peak: number }> {
  const bench = await Bench.open();
  try {
    await writeFile(join(bench.folder, "large.jpg"), bytes);
    const { client, program } = await bench.connect("client 2.x");
    const results = await Promise.all(
      Array.from({ length: times }, (_, i) =>
        client.call("qwen_image_edit", {
          prompt: `Make it night, number ${i}`,
          image: "large.jpg",
          wait_seconds: 0,
        }),
      ),
    );
    return { texts: results.map(textOf), peak: await peakMb(program.child.pid) };
  } finally {
    await bench.close();
  }
}

describe.runIf(process.platform === "linux")("turned pictures of 100 megapixels", () => {
  test.each<[string, number, number, JpegOptions]>([
    ["one alone, full of noise", 1, MAX_RSS_MB.alone, { quality: 70 }],
    ["eight at once", 8, MAX_RSS_MB.atOnce, { quality: 1 }],
    ["a progressive one", 1, MAX_RSS_MB.atOnce, { quality: 20, progressive: true }],
  ])("stay in bounds: %s", PATIENTLY, async (_, times, bound, options) => {
    const { texts, peak } = await turned(await large(options), times);
    for (const text of texts) {
      expect(text).toContain("large.jpg was sent changed: turned upright.");
    }
    expect(peak).toBeGreaterThan(50);
    expect(peak).toBeLessThan(bound);
  });

  test("are refused where their decoder alone would take more", PATIENTLY, async () => {
    const bytes = await large({ quality: 30, progressive: true, chromaSubsampling: "4:4:4" });
    const { texts, peak } = await turned(bytes, 2);
    for (const text of texts) {
      expect(text).toContain("cannot be turned upright here: that would take too much memory");
      expect(text).toContain("picture editor");
    }
    expect(peak).toBeLessThan(MAX_RSS_MB.alone);
  });
});
