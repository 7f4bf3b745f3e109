import sharp, { type Sharp } from "sharp";

const WIDTH = 48;
const HEIGHT = 32;

/** A picture with something in it everywhere, so that damage anywhere is damage. */
function scene(channels: 3 | 4 = 3): Sharp {
  const raw = Buffer.alloc(WIDTH * HEIGHT * channels);
  for (let at = 0, seed = 7; at < raw.length; at++) {
    seed = (Math.imul(seed, 1_103_515_245) + 12_345) >>> 0;
    raw[at] = (seed >>> 24) | (at % channels === 3 ? 1 : 0);
  }
  return sharp(raw, { raw: { width: WIDTH, height: HEIGHT, channels } });
}

async function animation(frames = 4): Promise<Sharp> {
  const pictures = await Promise.all(
    Array.from({ length: frames }, (_, i) =>
      scene(4)
        .linear(1, i * 20)
        .png()
        .toBuffer(),
    ),
  );
  return sharp(pictures, { join: { animated: true } });
}

/** Pictures that are only unusual, by what is unusual about them. */
export const ODD_PICTURES: Readonly<Record<string, () => Promise<Buffer>>> = {
  png: () => scene().png().toBuffer(),
  "png of 16 bits": () => scene().toColourspace("rgb16").png().toBuffer(),
  "png with transparency": () => scene(4).png().toBuffer(),
  "png with a palette": () => scene().png({ palette: true }).toBuffer(),
  "png in grey": () => scene().toColourspace("b-w").png().toBuffer(),
  "png in grey of 16 bits": () => scene().toColourspace("grey16").png().toBuffer(),
  "interlaced png": () => scene().png({ progressive: true }).toBuffer(),
  jpeg: () => scene().jpeg().toBuffer(),
  "progressive jpeg": () => scene().jpeg({ progressive: true }).toBuffer(),
  "jpeg in grey": () => scene().toColourspace("b-w").jpeg().toBuffer(),
  "jpeg in CMYK": () => scene().toColourspace("cmyk").jpeg().toBuffer(),
  "jpeg in CMYK with a large profile": () =>
    scene().toColourspace("cmyk").withIccProfile("cmyk").jpeg().toBuffer(),
  webp: () => scene().webp().toBuffer(),
  "lossless webp with transparency": () => scene(4).webp({ lossless: true }).toBuffer(),
  "animated webp": async () => (await animation()).webp({ delay: [90, 80, 70, 60] }).toBuffer(),
  gif: () => scene().gif().toBuffer(),
  "animated gif": async () => (await animation()).gif().toBuffer(),
  avif: () => scene().avif({ effort: 0 }).toBuffer(),
  "avif with transparency": () => scene(4).avif({ effort: 0, lossless: true }).toBuffer(),
  tiff: () => scene().tiff().toBuffer(),
  "tiff of 16 bits": () =>
    scene().toColourspace("rgb16").tiff({ compression: "lzw", predictor: "none" }).toBuffer(),
  "tiff in CMYK": () => scene().toColourspace("cmyk").tiff({ compression: "deflate" }).toBuffer(),
  "tiff of several pages": async () => (await animation()).tiff().toBuffer(),
  "tiled tiff": () => scene().tiff({ tile: true, tileWidth: 16, tileHeight: 16 }).toBuffer(),
  bmp: async () => bmp(WIDTH, HEIGHT, await scene().raw().toBuffer()),
};

/** A BMP file of 24 bits; its pixels are taken as they come. */
export function bmp(width: number, height: number, pixels: Buffer): Buffer {
  const rowBytes = Math.ceil((width * 3) / 4) * 4;
  const file = Buffer.alloc(54 + rowBytes * height);
  file.write("BM");
  file.writeUInt32LE(file.length, 2);
  file.writeUInt32LE(54, 10);
  file.writeUInt32LE(40, 14);
  file.writeInt32LE(width, 18);
  file.writeInt32LE(height, 22);
  file.writeUInt16LE(1, 26);
  file.writeUInt16LE(24, 28);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const from = (y * width + x) * 3;
      const to = 54 + (height - 1 - y) * rowBytes + x * 3;
      file[to] = pixels[from + 2] ?? 0;
      file[to + 1] = pixels[from + 1] ?? 0;
      file[to + 2] = pixels[from] ?? 0;
    }
  }
  return file;
}
