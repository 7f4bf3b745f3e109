import { describe, expect, it } from "vitest";
import { AppError, toAppError } from "../../src/core/errors.ts";
import { newJobId } from "../../src/core/ids.ts";
import { DownloadLinks, type LinkedFile } from "../../src/public/download-links.ts";
import { FakeClock } from "../support/fake-clock.ts";

const HOUR_MS = 3_600_000;
const BASE = "https://me.example";

function rig({ key = Buffer.alloc(32, 1), hours = 24, clock = new FakeClock() } = {}) {
  const owners = new Map<string, string>();
  const base = { now: async () => BASE };
  const links = new DownloadLinks({
    ...{ key, hours, clock, base: () => base.now() },
    ownerOf: async (jobId) => owners.get(jobId),
  });
  /** The end of the address of a file of a job that there is. */
  const secretOf = async (file: LinkedFile) => {
    owners.set(file.jobId, file.owner);
    const maker = await links.maker(toAppError);
    if (!("addressOf" in maker)) return expect.fail(maker.refusal.message);
    const address = maker.addressOf(file);
    expect(address.startsWith(`${BASE}/media/`)).toBe(true);
    return address.slice(`${BASE}/media/`.length);
  };
  return { links, clock, owners, base, secretOf };
}

const aFile = (more: Partial<LinkedFile> = {}): LinkedFile => ({
  ...{ owner: "anna", jobId: newJobId(), index: 1 },
  ...more,
});

describe("a link to a finished file", () => {
  it.each([
    undefined,
    { format: "jpeg", maxSide: undefined, quality: undefined },
    { format: "webp", maxSide: 512, quality: undefined },
    { format: "png", maxSide: undefined, quality: 80 },
    { format: "jpeg", maxSide: 12_345, quality: 100 },
  ] as const)("says what it is for, made into %j", async (conversion) => {
    const { links, secretOf } = rig();
    const file = aFile({ index: 9_999, conversion });
    expect(await links.read(await secretOf(file))).toEqual(file);
  });

  it("is safe in any address", async () => {
    const { secretOf } = rig();
    expect(await secretOf(aFile())).toMatch(/^[\w.-]+$/);
  });

  it("is the same for an hour, and another one after that", async () => {
    const { clock, secretOf } = rig();
    const file = aFile();
    clock.sleep(HOUR_MS - (clock.now() % HOUR_MS) + 1);
    const first = await secretOf(file);
    clock.sleep(HOUR_MS - 2);
    expect(await secretOf(file)).toBe(first);
    clock.sleep(2);
    expect(await secretOf(file)).not.toBe(first);
  });

  it("lasts as long as was said, and no longer", async () => {
    const { links, clock, secretOf } = rig({ hours: 2 });
    const secret = await secretOf(aFile());
    const maker = await links.maker(toAppError);
    const until = "until" in maker ? maker.until : 0;
    expect(until - clock.now()).toBeGreaterThanOrEqual(2 * HOUR_MS);
    expect(until - clock.now()).toBeLessThanOrEqual(3 * HOUR_MS);
    clock.sleep(until - clock.now() - 1);
    expect(await links.read(secret)).toBeDefined();
    clock.sleep(1);
    expect(await links.read(secret)).toBeUndefined();
  });

  it("ends with its job, and when its owner may not call any more", async () => {
    const { links, owners, secretOf } = rig();
    const file = aFile();
    const secret = await secretOf(file);
    owners.delete(file.jobId);
    expect(await links.read(secret)).toBeUndefined();
    owners.set(file.jobId, "ben");
    expect(await links.read(secret)).toBeUndefined();
  });

  it("is read by every process with the same key, and by none with another", async () => {
    const one = rig();
    const file = aFile();
    const secret = await one.secretOf(file);
    const same = rig({ clock: one.clock });
    same.owners.set(file.jobId, file.owner);
    expect(await same.links.read(secret)).toEqual({ ...file, conversion: undefined });
    const other = rig({ clock: one.clock, key: Buffer.alloc(32, 2) });
    other.owners.set(file.jobId, file.owner);
    expect(await other.links.read(secret)).toBeUndefined();
  });

  it("of one file leads to no other file, time or form", async () => {
    const { links, owners, secretOf } = rig();
    const file = aFile({ conversion: { format: "jpeg", maxSide: 512, quality: 80 } });
    const secret = await secretOf(file);
    const other = newJobId();
    owners.set(other, file.owner);
    const token = file.jobId.slice("job_".length);
    const [, index, hour] = secret.split(".");
    const forged = [
      secret.replace(token, other.slice("job_".length)),
      secret.replace(`.${index}.`, ".2."),
      secret.replace(`.${hour}.`, `.${(Number.parseInt(hour ?? "", 36) + 1).toString(36)}.`),
      secret.replace("s512", "s513"),
      secret.replace("q80", "q81"),
      secret.replace(".jpeg-s512-q80", ""),
      secret.replace("jpeg", "png"),
      `${secret.slice(0, -1)}${secret.endsWith("A") ? "B" : "A"}`,
      secret.slice(0, -1),
      `${secret}A`,
    ];
    expect(new Set([secret, ...forged]).size).toBe(forged.length + 1);
    for (const one of forged) expect(await links.read(one), one).toBeUndefined();
    expect(await links.read(secret)).toBeDefined();
  });

  it.each([
    "",
    ".",
    "a".repeat(5_000),
    `${"a".repeat(26)}.0.abc.${"A".repeat(22)}`,
    "../../etc/passwd",
  ])("is not %j", async (secret) => {
    expect(await rig().links.read(secret)).toBeUndefined();
  });

  it("is not made where nobody elsewhere finds this server, and the answer says why", async () => {
    const { links, base } = rig();
    const refusal = new AppError("configuration", "This server has no public address.");
    base.now = () => Promise.reject(refusal);
    expect(await links.maker(toAppError)).toEqual({ refusal });
    base.now = async () => BASE;
    expect(await links.maker(toAppError)).toHaveProperty("addressOf");
  });
});
