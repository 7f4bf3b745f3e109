import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import sharp from "sharp";
import { expect, test } from "vitest";
import { Bench, textOf } from "../e2e/harness.ts";

const SIDE_PX = 10_000;
const AT_ONCE = 8;
const MAX_RSS_MB = 600;
/** Slow machines only need longer; nothing here is about time. */
const PATIENTLY = { timeout: 600_000 };

/** The most memory that a process has ever had, in MB; only Linux tells it of others. */
async function peakMb(pid: number | undefined): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, "utf8");
  const [, kib] = /^VmHWM:\s+(\d+) kB$/m.exec(status) ?? [];
  return Number(kib) / 1024;
}

test.runIf(process.platform === "linux")(
  "eight turned pictures of 100 megapixels at once stay under 600 MB",
  PATIENTLY,
  async () => {
    const bench = await Bench.open();
    try {
      const bytes = await sharp({
        create: { width: SIDE_PX, height: SIDE_PX, channels: 3, background: "#c86414" },
      })
        .withMetadata({ orientation: 6 })
        .jpeg({ optimiseCoding: false })
        .toBuffer();
      await writeFile(join(bench.folder, "large.jpg"), bytes);
      const { client, program } = await bench.connect("client 2.x");
      const calls = Array.from({ length: AT_ONCE }, (_, i) =>
        client.call("qwen_image_edit", {
          prompt: `Make it night, number ${i}`,
          image: "large.jpg",
          wait_seconds: 0,
        }),
      );
      for (const result of await Promise.all(calls)) {
        expect(textOf(result)).toContain("large.jpg was sent changed: turned upright.");
      }
      const peak = await peakMb(program.child.pid);
      expect(peak).toBeGreaterThan(50);
      expect(peak).toBeLessThan(MAX_RSS_MB);
    } finally {
      await bench.close();
    }
  },
);
