import { Client } from "@modelcontextprotocol/client";
import { InMemoryTransport } from "@modelcontextprotocol/server";
import sharp from "sharp";
import { describe, expect, it } from "vitest";
import { LOCAL_CALLER } from "../../src/core/owner.ts";
import { JobEvents } from "../../src/jobs/events.ts";
import { ServerFactory } from "../../src/server.ts";
import { idleToolDeps } from "../support/tool-deps.ts";

const DATA = /^data:image\/svg\+xml;base64,([\w+/=]+)$/;

async function shown() {
  const factory = new ServerFactory({ ...idleToolDeps(), version: "0", events: new JobEvents() });
  const [ours, theirs] = InMemoryTransport.createLinkedPair();
  const client = new Client({ name: "test", version: "0" });
  const connection = {
    caller: LOCAL_CALLER,
    era: "legacy",
    lasting: true,
    onDelivered: () => {},
  } as const;
  await Promise.all([factory.create(connection).connect(ours), client.connect(theirs)]);
  const { tools } = await client.listTools();
  const own = client.getServerVersion()?.icons ?? [];
  await client.close();
  return { tools, own };
}

describe("icons", () => {
  it("are there for the program and every tool, drawn in one manner", async () => {
    const { tools, own } = await shown();
    const all = [own, ...tools.map(({ icons }) => icons ?? [])];
    for (const [icon, ...more] of all) {
      expect(more).toEqual([]);
      const svg = Buffer.from(DATA.exec(icon?.src ?? "")?.[1] ?? "", "base64").toString();
      expect(svg).toMatch(/^<svg [^>]*viewBox="0 0 24 24"[^>]*stroke="#7c5cff"[^>]*>.*<\/svg>$/);
      expect(icon?.mimeType).toBe("image/svg+xml");
    }
    expect(new Set(all.map(([icon]) => icon?.src)).size).toBeGreaterThan(8);
  });

  it("are pictures with something on them", async () => {
    const { tools, own } = await shown();
    const sources = new Set(
      [...own, ...tools.flatMap(({ icons }) => icons ?? [])].map((one) => one.src),
    );
    for (const src of sources) {
      const { width, height } = await sharp(
        Buffer.from(DATA.exec(src)?.[1] ?? "", "base64"),
      ).metadata();
      expect([width, height]).toEqual([24, 24]);
      const { channels } = await sharp(Buffer.from(DATA.exec(src)?.[1] ?? "", "base64")).stats();
      expect(channels.at(-1)?.max).toBe(255);
    }
  });

  it("leave the list small", async () => {
    const { tools, own } = await shown();
    const sizes = tools.map(({ icons }) => JSON.stringify(icons).length);
    expect(Math.max(...sizes, JSON.stringify(own).length)).toBeLessThan(400);
  });
});
