import { describe, expect, it } from "vitest";
import { randomToken } from "../../src/core/ids.ts";
import type { Invitation, ReceivedFile } from "../../src/inputs/upload-record.ts";
import { OWNER } from "../support/rig.ts";
import { benchFor, STRANGER, type StoreKit } from "./kit.ts";
import { processesFor } from "./processes.ts";
import { codesOf, type Race, valuesOf } from "./racer.ts";

const NOW = 1_795_176_000_000;
const MOST = 3;

function invitation(change: Partial<Invitation> = {}): Invitation {
  return {
    uploadId: randomToken(),
    owner: OWNER,
    secretHash: randomToken(),
    filename: "notes.md",
    createdAt: NOW,
    endsAt: NOW + 100,
    ...change,
  };
}

function fileOf(change: Partial<ReceivedFile> = {}): ReceivedFile {
  return {
    file: `${randomToken()}.txt`,
    ...{ kind: "text", mimeType: "text/plain", extension: "txt" },
    sizeBytes: 60,
    sha256: "ab",
    receivedAt: NOW + 1,
    keptUntil: NOW + 1_000,
    ...change,
  };
}

/** Holds an implementation of `UploadRecord` to everything that the program relies on. */
export function describeUploadRecord(kit: StoreKit): void {
  const bench = benchFor(kit);
  const race = processesFor(kit);
  const invite = async (change: Partial<Invitation> = {}) => {
    const one = invitation(change);
    expect(await bench.uploads.invite(one, 99)).toBe(true);
    return one;
  };

  describe("an invitation", () => {
    it("is found by its secret's digest and by its owner, in all processes at once", async () => {
      const named = await invite();
      const unnamed = await invite({ filename: undefined });
      for (const { uploads } of [bench, await bench.another()]) {
        for (const one of [named, unnamed]) {
          const expected = { ...one, received: undefined };
          expect(await uploads.bySecret(one.secretHash)).toEqual(expected);
          expect(await uploads.get(OWNER, one.uploadId)).toEqual(expected);
        }
      }
    });

    it("does not exist by another digest, by its id, and to anybody else", async () => {
      const { uploadId, secretHash } = await invite();
      const { uploads } = bench;
      for (const guess of ["", randomToken(), uploadId, secretHash.slice(1), `${secretHash}a`]) {
        expect(await uploads.bySecret(guess), guess).toBeUndefined();
      }
      expect(await uploads.get(STRANGER, uploadId)).toBeUndefined();
      expect(await uploads.get(OWNER, secretHash)).toBeUndefined();
    });

    it("is one of so many that an owner has unused; used and over ones do not count", async () => {
      const { uploads } = bench;
      for (let n = 0; n < MOST; n++) {
        expect(await uploads.invite(invitation(), MOST)).toBe(true);
      }
      const more = invitation();
      expect(await uploads.invite(more, MOST)).toBe(false);
      expect(await uploads.get(OWNER, more.uploadId)).toBeUndefined();
      expect(await uploads.invite(invitation({ owner: STRANGER }), MOST)).toBe(true);
      const used = invitation({ createdAt: NOW + 100, endsAt: NOW + 200 });
      expect(await uploads.invite(used, MOST)).toBe(true);
      await uploads.receive(used.uploadId, fileOf({ receivedAt: NOW + 101 }));
      const later = () => invitation({ createdAt: NOW + 101, endsAt: NOW + 201 });
      for (let n = 0; n < MOST; n++) expect(await uploads.invite(later(), MOST)).toBe(true);
      expect(await uploads.invite(later(), MOST)).toBe(false);
    });
  });

  describe("a file", () => {
    it("is noted with all that is known of it, also for another process", async () => {
      const one = await invite();
      const file = fileOf({ kind: "picture", mimeType: "image/png", extension: "png" });
      expect(await bench.uploads.receive(one.uploadId, file)).toBe("received");
      for (const { uploads } of [bench, await bench.another()]) {
        const expected = { ...one, received: file };
        expect(await uploads.bySecret(one.secretHash)).toEqual(expected);
        expect(await uploads.get(OWNER, one.uploadId)).toEqual(expected);
        expect(await uploads.get(STRANGER, one.uploadId)).toBeUndefined();
        expect(await uploads.received(OWNER)).toEqual([expected]);
        expect(await uploads.received(STRANGER)).toEqual([]);
        expect(await uploads.files()).toEqual([file.file]);
      }
    });

    it("is the first one, and stays it", async () => {
      const { uploadId } = await invite();
      const first = fileOf();
      expect(await bench.uploads.receive(uploadId, first)).toBe("received");
      expect(await bench.uploads.receive(uploadId, fileOf({ sizeBytes: 1 }))).toBe("used");
      expect((await bench.uploads.get(OWNER, uploadId))?.received).toEqual(first);
      expect(await bench.uploads.files()).toEqual([first.file]);
    });

    it("comes too late at the end of its time, and where nobody was invited", async () => {
      const { uploadId, endsAt } = await invite();
      const late = fileOf({ receivedAt: endsAt });
      expect(await bench.uploads.receive(uploadId, late)).toBe("gone");
      expect(await bench.uploads.receive(randomToken(), fileOf())).toBe("gone");
      expect(await bench.uploads.files()).toEqual([]);
      const inTime = fileOf({ receivedAt: endsAt - 1 });
      expect(await bench.uploads.receive(uploadId, inTime)).toBe("received");
    });

    it("counts for its owner, who may have so many bytes and no more", async () => {
      const { uploads } = bench;
      const [first, second] = [await invite(), await invite()];
      const strangers = await invite({ owner: STRANGER });
      expect(await uploads.receive(strangers.uploadId, fileOf({ sizeBytes: 99 }), 100)).toBe(
        "received",
      );
      expect(await uploads.usedBytes(OWNER)).toBe(0);
      expect(await uploads.receive(first.uploadId, fileOf(), 100)).toBe("received");
      expect(await uploads.receive(second.uploadId, fileOf({ sizeBytes: 41 }), 100)).toBe("full");
      expect(await uploads.usedBytes(OWNER)).toBe(60);
      expect(await uploads.receive(second.uploadId, fileOf({ sizeBytes: 40 }), 100)).toBe(
        "received",
      );
      expect(await uploads.usedBytes(OWNER)).toBe(100);
      expect(await uploads.usedBytes(STRANGER)).toBe(99);
    });

    it("stands after those that came before it, whenever they were invited", async () => {
      const [first, second] = [await invite(), await invite()];
      await bench.uploads.receive(second.uploadId, fileOf({ receivedAt: NOW + 1 }));
      await bench.uploads.receive(first.uploadId, fileOf({ receivedAt: NOW + 2 }));
      const ids = (await bench.uploads.received(OWNER)).map(({ uploadId }) => uploadId);
      expect(ids).toEqual([second.uploadId, first.uploadId]);
    });
  });

  describe("what is over", () => {
    it("is forgotten: invitations at their end, files at theirs, for everybody", async () => {
      const unused = await invite();
      const used = await invite();
      const theirs = await invite({ owner: STRANGER, endsAt: NOW + 2_000 });
      await bench.uploads.receive(used.uploadId, fileOf());
      const left = async () => {
        const all = [unused, used, theirs];
        const found = await Promise.all(
          all.map(({ owner, uploadId }) => bench.uploads.get(owner, uploadId)),
        );
        return all.filter((_, n) => found[n]);
      };
      await bench.uploads.forgetEnded(NOW + 99);
      expect(await left()).toEqual([unused, used, theirs]);
      await bench.uploads.forgetEnded(NOW + 100);
      expect(await left()).toEqual([used, theirs]);
      await bench.uploads.forgetEnded(NOW + 1_000);
      expect(await left()).toEqual([theirs]);
      expect(await bench.uploads.files()).toEqual([]);
      expect(await bench.uploads.usedBytes(OWNER)).toBe(0);
      expect(await bench.uploads.bySecret(used.secretHash)).toBeUndefined();
    });

    it("is all of an owner's at once, used or not, and nobody else's", async () => {
      const [unused, used] = [await invite(), await invite()];
      const theirs = await invite({ owner: STRANGER });
      const file = fileOf();
      await bench.uploads.receive(used.uploadId, file);
      await bench.uploads.receive(theirs.uploadId, fileOf());
      expect(await bench.uploads.forgetAll(OWNER)).toEqual([file.file]);
      for (const { secretHash } of [unused, used]) {
        expect(await bench.uploads.bySecret(secretHash)).toBeUndefined();
      }
      expect(await bench.uploads.receive(unused.uploadId, fileOf())).toBe("gone");
      expect(await bench.uploads.received(STRANGER)).toHaveLength(1);
      expect(await bench.uploads.forgetAll(OWNER)).toEqual([]);
    });
  });

  describe("two processes", () => {
    const uploads = (method: string, calls: Race["calls"]): Race => ({
      ...{ store: "uploads", method, calls },
    });
    const many = <T>(make: (n: number) => T) => Array.from({ length: 24 }, (_, n) => make(n));

    it("cannot both give the last invitation", async () => {
      const calls = () => many(() => [invitation(), 10]);
      const all = await race(bench.place, uploads("invite", calls()), uploads("invite", calls()));
      expect(codesOf(all.flat())).toEqual([]);
      expect(valuesOf(all.flat()).filter((one) => one === true)).toHaveLength(10);
    });

    it("cannot both note a file for one address", async () => {
      const { uploadId } = await invite();
      const calls = () => many(() => [uploadId, fileOf()]);
      const all = await race(bench.place, uploads("receive", calls()), uploads("receive", calls()));
      expect(valuesOf(all.flat()).sort()).toEqual(["received", ...Array(47).fill("used")]);
      expect(await bench.uploads.files()).toHaveLength(1);
    });

    it("cannot both fill an owner's last bytes", async () => {
      const invited = await Promise.all(many(() => invite()));
      const calls = (half: number) =>
        invited
          .filter((_, n) => n % 2 === half)
          .map(({ uploadId }) => [uploadId, fileOf({ sizeBytes: 15 }), 100]);
      const all = await race(
        bench.place,
        uploads("receive", calls(0)),
        uploads("receive", calls(1)),
      );
      expect(valuesOf(all.flat()).filter((one) => one === "received")).toHaveLength(6);
      expect(await bench.uploads.usedBytes(OWNER)).toBe(90);
    });
  });
}
