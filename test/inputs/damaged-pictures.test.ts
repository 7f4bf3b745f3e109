import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import fc from "fast-check";
import { beforeAll, describe, expect, it } from "vitest";
import { AppError } from "../../src/core/errors.ts";
import { checkPicture, shrinkPicture } from "../../src/inputs/checked-picture.ts";
import { makePreview, PREVIEW_BUDGET_BASE64 } from "../../src/media/preview.ts";
import { ODD_PICTURES } from "../support/odd-pictures.ts";
import { tempDir } from "../support/temp-dir.ts";

const NAMES = Object.keys(ODD_PICTURES);
const whole = new Map<string, Buffer>();

beforeAll(async () => {
  for (const [name, make] of Object.entries(ODD_PICTURES)) whole.set(name, await make());
});

function bytesOf(name: string): Buffer {
  return whole.get(name) ?? expect.fail(`there is no ${name}`);
}

/** What becomes of bytes on their way to the provider: they pass, or it is said what is wrong. */
async function verdict(bytes: Buffer): Promise<string> {
  try {
    const checked = await checkPicture(bytes, "mine.png");
    await shrinkPicture(checked, 100_000, "mine.png");
    return "passed";
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    expect(error.message).toContain("mine.png");
    return error.code;
  }
}

describe("a picture that is only unusual", () => {
  it.each(NAMES)("is sent as it is: %s", async (name) => {
    const bytes = bytesOf(name);
    const checked = await checkPicture(bytes, name);
    expect(checked.bytes).toBe(bytes);
    expect(checked.notes).toEqual([]);
  });
});

describe("a picture that is cut short", () => {
  it("is found out wherever it is cut", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...NAMES),
        fc.double({ min: 0, max: 1, noNaN: true }),
        async (name, share) => {
          const bytes = bytesOf(name);
          const left = Math.min(bytes.length - 1, Math.floor(share * bytes.length));
          expect(await verdict(bytes.subarray(0, left))).toBe("invalid_input");
        },
      ),
      { numRuns: 150 },
    );
  });

  it.each(NAMES)("is found out by its last bytes: %s", async (name) => {
    const bytes = bytesOf(name);
    for (const missing of [1, 2, 5, 13]) {
      expect(await verdict(bytes.subarray(0, bytes.length - missing))).toBe("invalid_input");
    }
  });
});

describe("a picture that is damaged anywhere", () => {
  const damage = fc.array(
    fc.record({
      at: fc.double({ min: 0, max: 1, noNaN: true }),
      bytes: fc.uint8Array({ minLength: 1, maxLength: 24 }),
    }),
    { minLength: 1, maxLength: 4 },
  );
  const damaged = (name: string, changes: readonly { at: number; bytes: Uint8Array }[]) => {
    const copy = Buffer.from(bytesOf(name));
    for (const { at, bytes } of changes)
      copy.set(
        bytes.subarray(0, copy.length - Math.floor(at * (copy.length - 1))),
        Math.floor(at * (copy.length - 1)),
      );
    return copy;
  };

  it("is sent, or refused with what is wrong; nothing else happens", async () => {
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...NAMES), damage, async (name, changes) => {
        expect(["passed", "invalid_input"]).toContain(await verdict(damaged(name, changes)));
      }),
      { numRuns: 200 },
    );
  });

  it("is shown, or not; nothing else happens", async () => {
    const path = join(await tempDir(), "a.png");
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...NAMES), damage, async (name, changes) => {
        await writeFile(path, damaged(name, changes));
        const preview = await makePreview(path, PREVIEW_BUDGET_BASE64);
        expect([undefined, "image/jpeg", "image/png"]).toContain(preview?.mimeType);
      }),
      { numRuns: 60 },
    );
  });
});
