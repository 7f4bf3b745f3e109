import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { hasScreen, openInBrowser } from "../../src/cli/browser.ts";
import { GalleryPlace } from "../../src/cli/gallery-place.ts";
import { onceEach } from "../../src/cli/opened-pages.ts";
import { servePages } from "../../src/transports/pages-listener.ts";
import { FakeClock } from "../support/fake-clock.ts";
import { openGalleryRig, Visitor } from "../support/gallery-rig.ts";
import { tempDir } from "../support/temp-dir.ts";

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

describe("whatever the platform opens pages with", () => {
  /** A search path on which that is a script of this test. */
  async function opener(script: string) {
    const folder = await tempDir();
    for (const name of ["xdg-open", "open"]) {
      await writeFile(join(folder, name), `#!/bin/sh\n${script}\n`, { mode: 0o755 });
    }
    return { DISPLAY: ":99", PATH: `${folder}:${process.env["PATH"] ?? ""}` };
  }

  it.each([
    ["has opened it when it ends well", "exit 0", true],
    ["has not when it fails", "exit 3", false],
  ])("%s", async (_, script, isOpened) => {
    const opening = openInBrowser("http://127.0.0.1:9/", new FakeClock(), await opener(script));
    expect(await opening).toBe(isOpened);
  });

  it("has opened it when it goes on: some are the browser themselves", async () => {
    const clock = new FakeClock();
    const folder = await tempDir();
    const goes = `trap 'exit 0' TERM; echo $$ > '${join(folder, "pid")}'; while :; do sleep 1; done`;
    const opening = openInBrowser("http://127.0.0.1:9/", clock, await opener(goes));
    const pid = async () => Number(await readFile(join(folder, "pid"), "utf8").catch(() => 0));
    await expect.poll(pid).toBeGreaterThan(0);
    await clock.advance(1_500);
    expect(await opening).toBe(true);
    process.kill(await pid());
  });

  it("is not there, or has no screen, without harm", async () => {
    const env = { DISPLAY: ":99", PATH: await tempDir() };
    expect(await openInBrowser("http://127.0.0.1:9/", new FakeClock(), env)).toBe(false);
    if (process.platform === "linux") {
      const dark = { ...(await opener("exit 0")), DISPLAY: "" };
      expect(await openInBrowser("http://127.0.0.1:9/", new FakeClock(), dark)).toBe(false);
    }
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
