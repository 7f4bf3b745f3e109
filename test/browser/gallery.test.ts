import { source as axe } from "axe-core";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from "vitest";
import * as z from "zod";
import type { WholeJob } from "../../src/jobs/job.ts";
import { insertJob } from "../../src/storage/sqlite/job-writes.ts";
import { PATIENTLY } from "../e2e/harness.ts";
import { type GalleryRig, openGalleryRig, serveRig } from "../support/gallery-rig.ts";
import { aJob, record } from "../support/made-jobs.ts";
import { openBrowser } from "./chromium.ts";

const WIDTHS = [320, 768, 1920];
const THEMES = ["light", "dark"] as const;
const MANY = 10_000;
const PAGE = 60;
/** How far down a page grows: from there on a link leads to the next. */
const SCROLLED = 26 * PAGE;
/** Words as people and strangers write them: of another direction, without end, and as if they were a page. */
const ODD = `قطة على النافذة "><script>alert(1)</script><img src=x onerror=alert(2)> ${"x".repeat(400)}`;

let browser: Browser;
beforeAll(async () => {
  browser = await openBrowser();
});
afterAll(() => browser.close());

/** A gallery with some of everything, and somebody who has come in by the link. */
async function open(theme: (typeof THEMES)[number] = "light") {
  const rig = await openGalleryRig();
  const serving = await serveRig(rig);
  const page = await browser.newPage({
    colorScheme: theme,
    viewport: { width: 1280, height: 900 },
  });
  const complaints: string[] = [];
  const asked: string[] = [];
  page.on("console", (one) => {
    if (one.type() === "error" || one.type() === "warning") complaints.push(one.text());
  });
  page.on("pageerror", ({ message }) => complaints.push(message));
  page.on("request", (one) => asked.push(new URL(one.url()).pathname));
  onTestFinished(async () => {
    await page.close();
    expect(complaints).toEqual([]);
    expect(serving.failures).toEqual([]);
  });
  const enter = async () => {
    await page.goto(serving.origin + serving.link());
    await page.waitForURL(`${serving.origin}/`);
  };
  const go = (path: string) => page.goto(serving.origin + path);
  return { ...rig, ...serving, page, asked, enter, go };
}

async function someOfEverything({ store, aPicture }: GalleryRig) {
  const withPicture = async (job: WholeJob, count = 1) => {
    const media = [];
    for (let index = 1; index <= count; index++) media.push(await aPicture(job, { index }));
    await record(store, { ...job, media });
    return { ...job, media };
  };
  const parent = await withPicture(aJob({ input: { prompt: "A lake <b>cabin</b>" } }));
  const image = `longcat://media/${parent.jobId}/1`;
  const edit = await withPicture(
    aJob({ operation: "qwen_image_edit", input: { prompt: "In winter", image } }),
  );
  const layers = await withPicture(
    aJob({ operation: "qwen_image_layered", input: { image_url: image } }),
    3,
  );
  const doubt = aJob({ state: "unknown", charge: "uncertain", costUsd: null });
  const turn = aJob({
    operation: "longcat_chat",
    input: { prompt: "What is MCP?" },
    costUsd: null,
  });
  const odd = await withPicture(aJob({ input: { prompt: ODD } }));
  const many = await withPicture(aJob({ operation: "qwen_image_layered" }), 12);
  const failed = aJob({
    ...{ state: "failed", charge: "none", costUsd: null, input: { prompt: ODD } },
    error: { code: "upstream_rejected", message: ODD },
  });
  await record(store, doubt, turn, failed);
  return { parent, edit, layers, doubt, odd, many, failed };
}

async function seriousFaults(page: Page): Promise<string[]> {
  await page.evaluate(axe);
  const found = await page.evaluate("axe.run().then((r) => r.violations)");
  return z
    .array(z.looseObject({ id: z.string(), impact: z.string().nullable() }))
    .parse(found)
    .filter(({ impact }) => impact === "serious" || impact === "critical")
    .map(({ id }) => id);
}

const drawn = (page: Page, selector: string) =>
  page
    .locator(selector)
    .evaluateAll((all) =>
      all.every((one) => "naturalWidth" in one && Number(one.naturalWidth) > 0),
    );

describe("the gallery", () => {
  it("shows pictures as they come, without being asked again", async () => {
    const { page, enter, store, parts, aPicture } = await open();
    await enter();
    await page.getByText("There is nothing here yet.").waitFor();
    const job = aJob({ state: "running", charge: "reserved", costUsd: null, completedAt: null });
    await expect
      .poll(async () => {
        // The page begins to listen at some moment after it was loaded.
        if (!(await store.get("local", job.jobId))) await record(store, job);
        parts.events.publish(job);
        return page
          .locator(".card .pill")
          .first()
          .textContent()
          .catch(() => "");
      }, PATIENTLY)
      .toBe("Being made");
    const media = [await aPicture(job)];
    const step = { from: "running", to: "downloading", patch: {}, now: job.createdAt } as const;
    await store.transition("local", job.jobId, step);
    const done = await store.transition("local", job.jobId, {
      ...{ from: "downloading", to: "completed", now: job.createdAt },
      patch: { media, charge: "spent", costUsd: 0.01 },
    });
    if (!done) return expect.fail("it did not end");
    parts.events.publish(done);
    await page.locator(".card img").waitFor();
    await expect.poll(() => drawn(page, ".card img"), PATIENTLY).toBe(true);
    expect(await page.locator(".card .pill").count()).toBe(0);
    expect(await page.locator(".card").count()).toBe(1);
  });

  it("opens pictures in full, layers as a stack, before and after, by keyboard as well", async () => {
    const rig = await open();
    const { page, enter, go } = rig;
    const { parent, edit, layers } = await someOfEverything(rig);
    await enter();
    await page.getByRole("link", { name: /A lake <b>cabin<\/b>/ }).focus();
    await page.keyboard.press("Enter");
    await page.getByRole("heading", { level: 1, name: "A lake <b>cabin</b>" }).waitFor();
    await page.locator(".figures a[data-name]").focus();
    await page.keyboard.press("Enter");
    await page.getByRole("dialog").waitFor();
    await page.keyboard.press("Escape");
    expect(await page.getByRole("dialog").isVisible()).toBe(false);
    expect(await page.locator(".relatives .card").count()).toBe(2);
    await go(`/jobs/${edit.jobId}`);
    await page.getByLabel("Before to after").fill("20");
    expect(await page.locator(".over").getAttribute("style")).toContain("80%");
    await expect.poll(() => drawn(page, ".pair img"), PATIENTLY).toBe(true);
    await page.getByRole("link", { name: /A lake/ }).click();
    await page.waitForURL(`**/jobs/${parent.jobId}`);
    await go(`/jobs/${layers.jobId}`);
    await page.getByLabel("Layers shown").fill("1");
    expect(await page.locator(".pile img:not([hidden])").count()).toBe(1);
    const download = page.waitForEvent("download");
    await page.getByRole("link", { name: "Download Layer 2" }).click();
    expect((await download).suggestedFilename()).toMatch(/\.png$/);
  });

  it("lets a person search, settle, delete and leave", async () => {
    const rig = await open();
    const { page, enter, go, store } = rig;
    const { doubt, parent } = await someOfEverything(rig);
    await enter();
    await page.getByLabel("Search").fill("winter");
    await page.keyboard.press("Enter");
    await expect.poll(() => page.locator(".card").count(), PATIENTLY).toBe(1);
    await go(`/jobs/${doubt.jobId}#settle`);
    await page.getByRole("button", { name: "It was not charged" }).click();
    await page.getByText("Settled by hand: nothing").waitFor();
    expect((await store.get("local", doubt.jobId))?.charge).toBe("none");
    await go(`/jobs/${parent.jobId}`);
    await page.getByText("Delete", { exact: true }).click();
    await page.getByLabel(/Its files as well/).check();
    await page.getByRole("button", { name: "Delete it" }).click();
    await page.getByText("1 file is deleted.").waitFor();
    expect(await store.get("local", parent.jobId)).toBeUndefined();
    await page.getByRole("button", { name: "Sign out" }).click();
    await page.getByText("You are signed out").waitFor();
  });

  it("has ten thousand pictures to scroll through, none of which is asked for twice", async () => {
    const { page, enter, connection, aPicture, asked } = await open();
    const first = aJob();
    const medium = await aPicture(first);
    connection.transaction(() => {
      for (let at = 0; at < MANY; at++) {
        const createdAt = first.createdAt - (MANY - at) * 60_000;
        insertJob(connection, aJob({ createdAt, media: [medium] }), "nobody");
      }
    });
    await enter();
    const thumbs = () => asked.filter((path) => path.startsWith("/thumbs/"));
    await expect.poll(() => drawn(page, ".card:first-child img"), PATIENTLY).toBe(true);
    expect(thumbs().length).toBeLessThanOrEqual(2 * PAGE);
    const cards = () => page.locator(".card").count();
    const scroll = async () => {
      await page.evaluate("scrollTo(0, document.documentElement.scrollHeight)");
      return cards();
    };
    await expect.poll(scroll, { ...PATIENTLY, interval: 60 }).toBe(SCROLLED);
    expect(asked.filter((path) => path === "/").length).toBeLessThanOrEqual(SCROLLED / PAGE + 3);
    expect(new Set(thumbs()).size).toBe(thumbs().length);
    const there = await cards();
    expect(await page.locator("*").count()).toBeLessThan(6 * there + 1_000);
    const skipped = await page
      .locator(".card .name")
      .evaluateAll(
        (all) => all.filter((one) => !one.checkVisibility({ contentVisibilityAuto: true })).length,
      );
    // What is not near the screen is neither laid out nor painted.
    expect(skipped).toBeGreaterThan(0.7 * there);
    // Further down is another page, which begins where this one ends, and Back leads back here.
    const last = await page.locator(".card").last().getAttribute("id");
    await page.locator(".more a").click();
    await page.waitForURL("**/?cursor=*");
    await expect.poll(cards, PATIENTLY).toBeGreaterThanOrEqual(PAGE);
    expect(await page.locator(`#${last}`).count()).toBe(0);
    expect(await page.locator("*").count()).toBeLessThan(6 * SCROLLED);
    await page.goBack();
    await expect.poll(cards, PATIENTLY).toBe(SCROLLED);
  });

  for (const theme of THEMES) {
    it(`is usable in ${theme} colours, from 320 to 1,920 px`, async () => {
      const rig = await open(theme);
      const { page, enter, go, gallery } = rig;
      const { edit, layers, doubt, odd, many, failed } = await someOfEverything(rig);
      await enter();
      const jobs = [edit, layers, doubt, odd, many, failed].map(({ jobId }) => `/jobs/${jobId}`);
      const searched = `/?${new URLSearchParams({ q: ODD.slice(0, 200) })}`;
      for (const path of ["/", ...jobs, "/spending", "/threads", searched, "/?state=queued"]) {
        await go(path);
        for (const width of WIDTHS) {
          await page.setViewportSize({ width, height: 900 });
          const overflow = await page.evaluate(
            "document.documentElement.scrollWidth - document.documentElement.clientWidth",
          );
          expect([path, width, overflow]).toEqual([path, width, 0]);
        }
        expect([path, await seriousFaults(page)]).toEqual([path, []]);
        expect(await page.locator("body").textContent()).not.toContain("\u00c2");
      }
      expect(gallery).toBeDefined();
    });
  }
});
