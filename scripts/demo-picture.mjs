// Draws `docs/demo.png`, the pictures of one run of the demo side by side:
// `node scripts/demo-picture.mjs`, after `npm run build`.
import { execFile } from "node:child_process";
import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import sharp from "sharp";

const HEIGHT = 300;
const GAP = 12;

const folder = await mkdtemp(join(tmpdir(), "longcat-mcp-picture-"));
try {
  const { stdout } = await promisify(execFile)(process.execPath, ["dist/cli.js", "demo"], {
    env: { ...process.env, LONGCAT_MCP_OUTPUT_DIR: folder },
  });
  const day = stdout.match(/^ {2}(\S.*)\n {4}\S+\.png$/m)?.[1] ?? "";
  const names = [...stdout.matchAll(/^ {4}(\S+\.png)$/gm)].map(([, name]) => name);
  const tiles = await Promise.all(
    names.map((name) =>
      sharp(join(day, name)).resize({ height: HEIGHT }).png().toBuffer({ resolveWithObject: true }),
    ),
  );
  const width = tiles.reduce((sum, { info }) => sum + info.width + GAP, -GAP);
  let left = 0;
  const placed = tiles.map(({ data, info }) => {
    const tile = { input: data, left, top: 0 };
    left += info.width + GAP;
    return tile;
  });
  await mkdir("docs", { recursive: true });
  await sharp({ create: { width, height: HEIGHT, channels: 4, background: "#00000000" } })
    .composite(placed)
    .png({ palette: true, colours: 128, effort: 10 })
    .toFile("docs/demo.png");
} finally {
  await rm(folder, { recursive: true, force: true });
}
