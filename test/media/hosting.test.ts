import { mkdtemp, readdir, rm } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { afterEach, beforeEach, expect, it } from "vitest";
import { FileListener } from "../../src/media/file-listener.ts";
import { HOSTED_FOR_MS, HostedFolder, OwnHosting } from "../../src/media/hosting.ts";
import { FakeClock } from "../support/fake-clock.ts";

let folder: string;
let clock: FakeClock;
let hosted: HostedFolder;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "longcat-hosting-"));
  clock = new FakeClock();
  hosted = new HostedFolder(join(folder, "hosted"), clock);
});

afterEach(() => rm(folder, { recursive: true, force: true }));

const ask = (path: string, method = "GET") =>
  hosted.fetch(new Request(`http://any.example${path}`, { method }));

it("serves what was published, and nothing for any other name", async () => {
  const bytes = Buffer.from("some bytes");
  const { name, sizeBytes } = await hosted.add(bytes, "png");
  expect(name).toMatch(/^[a-z2-7]{26}\.png$/);
  expect(sizeBytes).toBe(bytes.length);
  const reply = await ask(`/files/${name}`);
  expect(Buffer.from(await reply.arrayBuffer()).equals(bytes)).toBe(true);
  expect(Object.fromEntries(reply.headers)).toMatchObject({
    "content-type": "image/png",
    "content-length": "10",
    "x-content-type-options": "nosniff",
  });
  expect((await ask(`/files/${name}`, "HEAD")).headers.get("content-length")).toBe("10");
  expect((await ask(`/files/${name}`, "POST")).status).toBe(405);
  for (const path of [
    "/files/",
    "/files/jobs.db",
    "/files/..%2fjobs.db",
    "/files/../jobs.db",
    `/files/${name}.partial`,
    `/files/${"a".repeat(26)}.png`,
    `/${name}`,
  ]) {
    expect((await ask(path)).status, path).toBe(404);
  }
});

it("gives the same bytes another name each time, and says what they are", async () => {
  const first = await hosted.add(Buffer.from("same"), "png");
  const second = await hosted.add(Readable.from([Buffer.from("sa"), Buffer.from("me")]), "png");
  expect(first.name).not.toBe(second.name);
  expect(first.sha256).toBe(second.sha256);
});

it("stops serving after a day, and removes the file", async () => {
  const { name } = await hosted.add(Buffer.from("x"), "zip");
  clock.jump(HOSTED_FOR_MS - 1000);
  expect((await ask(`/files/${name}`)).status).toBe(200);
  expect(await hosted.isInUse()).toBe(true);
  clock.jump(2000);
  expect((await ask(`/files/${name}`)).status).toBe(404);
  expect(await hosted.isInUse()).toBe(false);
  expect(await readdir(join(folder, "hosted"))).toEqual([]);
});

it("leaves nothing behind when the content breaks off", async () => {
  const broken = new Readable({ read: () => broken.destroy(new Error("gone")) });
  await expect(hosted.add(broken, "zip")).rejects.toMatchObject({ code: "storage" });
  expect(await readdir(join(folder, "hosted"))).toEqual([]);
});

it("without an address, says so before anything is written", async () => {
  const hosting = new OwnHosting(hosted, undefined);
  expect(hosting.isAvailable).toBe(false);
  await expect(hosting.publish(Buffer.from("x"), "png")).rejects.toMatchObject({
    code: "configuration",
  });
  expect(await readdir(folder)).toEqual([]);
});

it("two processes share a port: whoever has it serves for both", async () => {
  const first = new FileListener(hosted, 0);
  const port = await first.open();
  const second = new FileListener(new HostedFolder(join(folder, "hosted"), clock), port);
  try {
    const address = {
      url: `http://127.0.0.1:${port}`,
      serve: (name: string) => second.serve(name),
    };
    const { url } = await new OwnHosting(hosted, address).publish(Buffer.from("hello"), "png");
    expect(await (await fetch(url)).text()).toBe("hello");
  } finally {
    await second.close();
    await first.close();
  }
});

it("a stranger on the port is told apart", async () => {
  const stranger = createServer((_, reply) => reply.writeHead(404).end());
  await new Promise<void>((resolve) => stranger.listen(0, "127.0.0.1", resolve));
  const { port } = stranger.address() as AddressInfo;
  const listener = new FileListener(hosted, port);
  await expect(listener.serve("x.png")).rejects.toMatchObject({
    code: "configuration",
    message: expect.stringContaining(`Port ${port}`),
  });
  stranger.close();
});
