import { beforeEach, describe, expect, it } from "vitest";
import type { BucketFault } from "../support/fake-bucket.ts";
import { digestOf, FETCHED_NAMING, FetchRig, served } from "../support/fetch-rig.ts";
import { noise } from "../support/pictures.ts";
import { type RawServer, rawServer } from "../support/raw-server.ts";
import { OWNER } from "../support/rig.ts";

let rig: FetchRig;

beforeEach(async () => {
  rig = await FetchRig.open();
});

describe("a bucket", () => {
  let bytes: Buffer;
  let server: RawServer;

  beforeEach(async () => {
    bytes = await noise("png", { width: 1100, height: 900 });
    server = await rawServer(served(bytes));
  });

  it.each<BucketFault>([
    { status: 500 },
    { status: 503, code: "SlowDown" },
    { status: 503, code: "SlowDown", hasty: true },
    { status: 403, code: "AccessDenied" },
    "cut",
    "cut in the middle",
  ])("that fails with %j gets it by the disk, which is said", async (fault) => {
    rig.failOnce(fault);
    const got = await rig.fetch(server.origin);
    expect(got).toMatchObject({ sha256: digestOf(bytes), facts: { width: 1100, height: 900 } });
    expect(rig.only().bytes.equals(bytes)).toBe(true);
    expect([rig.ways(), server.hits.length]).toEqual([["past", "disk"], 2]);
    expect(rig.said).toEqual([expect.stringContaining("The bucket for files cannot be used: ")]);
    expect(await rig.drafts()).toEqual([OWNER]);
  });

  it("whose answer was lost has the file once", async () => {
    rig.bucket.loseAnswer = ({ method }) => method === "PUT";
    await rig.fetch(server.origin);
    expect(rig.only().bytes.equals(bytes)).toBe(true);
    expect(rig.ways()).toEqual(["past", "disk"]);
  });

  it("that says it has all before it has is not believed", async () => {
    rig.failOnce({ status: 200, hasty: true });
    const slow = await rawServer((_hit, response) => {
      response.writeHead(200, { "content-length": String(bytes.length) });
      response.write(bytes.subarray(0, -1));
      if (slow.hits.length > 1) response.end(bytes.subarray(-1));
    });
    await rig.fetch(slow.origin);
    expect(rig.only().bytes.equals(bytes)).toBe(true);
    expect(rig.ways()).toEqual(["past", "disk"]);
  });

  it.each([false, true])(
    "that refuses the keys (at once: %s) is told of, and not tried again",
    async (hasty) => {
      rig.bucket.fault = () => ({ status: 403, code: "SignatureDoesNotMatch", hasty });
      await expect(rig.fetch(server.origin)).rejects.toMatchObject({ code: "configuration" });
      expect([rig.ways(), server.hits.length, rig.said]).toEqual([["past"], 1, []]);
      expect(await rig.drafts()).toEqual([OWNER]);
    },
  );

  it("is trusted less, the more often it has failed that way, and again once it has not", async () => {
    const isTrusted = () => rig.store.straight() !== undefined;
    for (const waitMs of [30_000, 60_000, 120_000]) {
      const before = rig.puts().length;
      rig.bucket.fault = ({ method }) =>
        method === "PUT" && rig.puts().length === before + 1 ? { status: 501 } : undefined;
      await rig.fetch(server.origin);
      // That what is signed is taken says nothing of what is not.
      expect(isTrusted()).toBe(false);
      await rig.clock.advance(waitMs - 1);
      expect(isTrusted()).toBe(false);
      await rig.clock.advance(1);
      expect(isTrusted()).toBe(true);
    }
    await rig.fetch(server.origin);
    expect(rig.ways().at(-1)).toBe("past");
    rig.failOnce({ status: 501 });
    rig.bucket.hits.length = 0;
    await rig.fetch(server.origin);
    await rig.clock.advance(30_000);
    expect(isTrusted()).toBe(true);
  });

  it("is not trusted while anything else cannot be written there", async () => {
    rig.bucket.fault = () => ({ status: 503 });
    await expect(
      rig.store.put(Buffer.from("x"), { ...FETCHED_NAMING, extension: "txt" }, { once: true }),
    ).rejects.toThrow();
    rig.bucket.fault = () => undefined;
    await rig.fetch(server.origin);
    expect(rig.ways()).toEqual(["disk", "disk"]);
  });

  it("that hangs is let go when nobody wants the file any more, and so is the provider", async () => {
    const off = new AbortController();
    let isLeft = false;
    const slow = await rawServer((_hit, response) => {
      response.on("close", () => {
        isLeft = true;
      });
      response.writeHead(200, { "content-length": String(bytes.length) });
      response.write(bytes.subarray(0, bytes.length - 1));
    });
    const kept = rig.fetch(slow.origin, { signal: off.signal });
    await expect.poll(() => rig.puts().length).toBe(1);
    off.abort();
    await expect(kept).rejects.toThrow();
    await expect.poll(() => isLeft).toBe(true);
    expect([rig.bucket.files.size, server.hits.length, rig.said]).toEqual([0, 0, []]);
    expect(await rig.drafts()).toEqual([OWNER]);
  });
});
