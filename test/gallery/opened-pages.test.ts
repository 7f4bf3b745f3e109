import { describe, expect, it } from "vitest";
import { hasScreen } from "../../src/cli/browser.ts";
import { GalleryPlace } from "../../src/cli/gallery-place.ts";
import { onceEach } from "../../src/cli/opened-pages.ts";
import { servePages } from "../../src/transports/pages-listener.ts";
import { FakeClock } from "../support/fake-clock.ts";
import { openGalleryRig, Visitor } from "../support/gallery-rig.ts";

const IDLE_MS = 60_000;

describe("pages that an assistant's looks open", () => {
  function opening(opens = true) {
    const clock = new FakeClock();
    const opened: string[] = [];
    const open = onceEach(async (path) => {
      opened.push(path);
      return opens;
    }, clock);
    return { clock, opened, open };
  }

  it("are opened once each, and said to be open whenever they are wanted again", async () => {
    const { open, opened, clock } = opening();
    expect(await Promise.all([open("/jobs/a"), open("/jobs/a")])).toEqual([true, true]);
    await clock.advance(24 * 3_600_000);
    expect(await open("/jobs/a")).toBe(true);
    expect(opened).toEqual(["/jobs/a"]);
  });

  it("do not fill the screen: others wait for a later look", async () => {
    const { open, opened, clock } = opening();
    const paths = Array.from({ length: 20 }, (_, n) => `/jobs/${n}`);
    expect((await Promise.all(paths.map(open))).filter(Boolean)).toHaveLength(1);
    await clock.advance(60_000);
    expect(await open("/jobs/7")).toBe(true);
    expect(opened).toEqual(["/jobs/0", "/jobs/7"]);
  });

  it("are not tried again where there is nothing that opens them", async () => {
    const { open, opened, clock } = opening(false);
    expect(await open("/jobs/a")).toBe(false);
    await clock.advance(3_600_000);
    expect(await open("/jobs/a")).toBe(false);
    expect(opened).toHaveLength(1);
  });

  it("need a screen", () => {
    expect(hasScreen("darwin", {})).toBe(true);
    expect(hasScreen("win32", {})).toBe(true);
    expect(hasScreen("linux", { DISPLAY: "", HOME: "/root" })).toBe(false);
    expect(hasScreen("linux", { DISPLAY: ":0" })).toBe(true);
    expect(hasScreen("linux", { WAYLAND_DISPLAY: "wayland-0" })).toBe(true);
  });
});

describe("the port of pages beside a conversation on stdio", () => {
  it("is closed when nobody looks any more, and opened again for the next page", async () => {
    const { gallery } = await openGalleryRig();
    const clock = new FakeClock();
    const opened: string[] = [];
    const errors: unknown[] = [];
    const onError = (error: unknown) => errors.push(error);
    const place = new GalleryPlace({
      gallery,
      serve: (onIdle) => servePages(gallery, { port: 0, clock, onError, idleMs: IDLE_MS, onIdle }),
      isOpen: async () => true,
      browse: async (url) => {
        opened.push(url);
        return true;
      },
      onError,
    });
    expect(await place.openPage("/spending")).toBe(true);
    const first = new URL(opened[0] ?? "");
    const me = new Visitor(first.origin);
    // Who looks keeps it open, and so does a page that listens.
    await clock.advance(IDLE_MS - 1);
    expect((await me.get(first.pathname)).status).toBe(200);
    const stream = await fetch(`${first.origin}/events`, { headers: { cookie: me.cookie } });
    await clock.advance(2 * IDLE_MS);
    expect((await me.get("/spending")).status).toBe(200);
    await stream.body?.cancel();
    await expect.poll(() => clock.pending).toBeGreaterThan(0);
    await clock.advance(IDLE_MS);
    await expect(me.get("/spending")).rejects.toThrow(/ECONNREFUSED|socket hang up/);
    expect(await place.openPage("/spending")).toBe(true);
    const next = new URL(opened[1] ?? "");
    expect((await new Visitor(next.origin).get(next.pathname)).status).toBe(200);
    await place.close();
    expect(errors).toEqual([]);
  });

  it("is never closed by itself where it is all that a program does", async () => {
    const { gallery } = await openGalleryRig();
    const clock = new FakeClock();
    const serving = await servePages(gallery, { port: 0, clock, onError: () => {} });
    expect(clock.pending).toBe(0);
    await serving.close();
  });
});
