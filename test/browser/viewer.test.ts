import { statSync } from "node:fs";
import { resolve } from "node:path";
import { source as axe } from "axe-core";
import type { Browser } from "playwright-core";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import * as z from "zod";
import { PATIENTLY } from "../e2e/harness.ts";
import { openBrowser } from "./chromium.ts";
import { ALL_CAPABILITIES, openViewerHost, type ViewerHost } from "./viewer-host.ts";

const WIDTHS = [320, 768, 1920];
const THEMES = ["light", "dark"];

let browser: Browser;
let host: ViewerHost;

beforeAll(async () => {
  browser = await openBrowser();
  host = await openViewerHost(browser);
});

afterAll(async () => {
  await host.close();
  await browser.close();
});

beforeEach(async () => {
  await host.reopen();
});

afterEach(() => {
  expect(host.complaints.splice(0)).toEqual([]);
});

const status = () => host.viewer.getByRole("status").first();
const button = (name: string) => host.viewer.getByRole("button", { name, exact: true });
const CAT = { prompt: "a cat", image_size: "square_1_1" };
const DONE = "LongCat-Image: text to image: completed";
const said = () => expect.poll(() => status().textContent(), PATIENTLY);
const pictureCount = () => expect.poll(() => pictures().count(), PATIENTLY);
const pictures = () => host.viewer.locator(".grid img");
const calls = () =>
  host.asked.filter(({ kind }) => kind === "tools/call").map(({ params }) => params);

/** Waits until something has come true in the page. */
async function seen(locator: { waitFor(): Promise<void> }): Promise<void> {
  await locator.waitFor();
}

/** Whether every picture in the page has been decoded. */
async function allDrawn(): Promise<boolean> {
  const drawn = await host.viewer
    .locator("main img:not([hidden])")
    .evaluateAll((all) => all.map((one) => "naturalWidth" in one && Number(one.naturalWidth) > 0));
  return drawn.length > 0 && drawn.every(Boolean);
}

async function seriousFaults(): Promise<string[]> {
  const frame = host.page.frames().find((one) => one !== host.page.mainFrame());
  if (!frame) return ["no frame"];
  await frame.evaluate(axe);
  const found = await frame.evaluate("axe.run().then((r) => r.violations)");
  return z
    .array(z.looseObject({ id: z.string(), impact: z.string().nullable() }))
    .parse(found)
    .filter(({ impact }) => impact === "serious" || impact === "critical")
    .map(({ id }) => id);
}

describe("the viewer", () => {
  it("is one file of less than 40 KB", () => {
    expect(statSync(resolve("dist/viewer.html")).size).toBeLessThan(40_000);
  });

  it("shows a job while it runs, then its pictures", async () => {
    await host.show("longcat_image_generate", {
      ...CAT,
      prompt: "a cat",
      num_images: 2,
      wait_seconds: 0,
    });
    await pictureCount().toBe(2);
    await expect.poll(allDrawn, PATIENTLY).toBe(true);
    await said().toBe(DONE);
    expect(calls()[0]).toMatchObject({ name: "job_status" });
    expect(await host.viewer.locator("progress").isVisible()).toBe(false);
  });

  it("opens a picture in full size, by mouse and by keyboard", async () => {
    await host.show("longcat_image_generate", CAT);
    await pictureCount().toBe(1);
    await host.viewer.locator(".tile").focus();
    await host.page.keyboard.press("Enter");
    const dialog = host.viewer.getByRole("dialog");
    await seen(dialog);
    await expect
      .poll(() => host.asked.filter(({ kind }) => kind === "resources/read").length, PATIENTLY)
      .toBe(1);
    await button("Actual size").click();
    await seen(button("Fit"));
    await host.page.keyboard.press("Escape");
    expect(await dialog.isVisible()).toBe(false);
    await host.viewer.locator(".tile").click();
    await button("Close").click();
    expect(await dialog.isVisible()).toBe(false);
  });

  it("tells what was asked and what it cost", async () => {
    await host.show("longcat_image_generate", { ...CAT, prompt: "a <b>cat</b>" });
    await host.viewer.locator("summary").click();
    const facts = await host.viewer.locator("dl").textContent();
    expect(facts).toContain("a <b>cat</b>");
    expect(facts).toContain("the sandbox");
    expect(await host.viewer.locator("dl b").count()).toBe(0);
  });

  it("buys another, also with a change", async () => {
    await host.show("longcat_image_generate", CAT);
    await button("Again").click();
    await expect.poll(calls, PATIENTLY).toContainEqual(
      expect.objectContaining({
        name: "longcat_image_generate",
        arguments: expect.objectContaining({
          prompt: "a cat",
          image_size: "square_1_1",
          force_new: true,
        }),
      }),
    );
    await said().toBe(DONE);
    await button("Again with a change").click();
    await host.viewer.getByLabel("What should be made?").fill("a dog");
    await button("Make it").click();
    await expect
      .poll(calls)
      .toContainEqual(
        expect.objectContaining({ arguments: expect.objectContaining({ prompt: "a dog" }) }),
      );
    await said().toBe(DONE);
    const told = host.asked.filter(({ kind }) => kind === "ui/update-model-context");
    expect(told).toHaveLength(2);
  });

  it("edits a picture and shows before and after", async () => {
    await host.show("longcat_image_generate", CAT);
    await button("Edit this").click();
    await host.viewer.getByLabel("What should change?").fill("make it blue");
    await button("Edit").click();
    const slider = host.viewer.getByLabel("Before to after");
    await seen(slider);
    await expect.poll(allDrawn, PATIENTLY).toBe(true);
    await slider.fill("20");
    expect(await host.viewer.locator(".over").getAttribute("style")).toContain("80%");
  });

  it("splits a picture into layers that can be switched and looked through", async () => {
    await host.show("longcat_image_generate", CAT);
    await button("Layers").click();
    const stack = host.viewer.locator(".stack");
    await seen(stack);
    const layers = stack.locator(".pile img");
    const count = await layers.count();
    expect(count).toBeGreaterThan(1);
    await stack.getByLabel("Layer 2").uncheck();
    expect(await layers.nth(1).isVisible()).toBe(false);
    await stack.getByLabel("Layers shown").fill("1");
    expect(await layers.nth(0).isVisible()).toBe(true);
    expect(await layers.nth(count - 1).isVisible()).toBe(false);
    await stack.getByLabel("Layers shown").fill(String(count));
    expect(await layers.nth(1).isVisible()).toBe(true);
    expect(await button("Layers").count()).toBe(0);
  });

  it("hands pictures to the host to save", async () => {
    await host.show("longcat_image_generate", CAT);
    await button("Save").click();
    await said().toBe("Handed to the host to save.");
    const saved = host.asked.find(({ kind }) => kind === "ui/download-file");
    expect(JSON.stringify(saved)).toContain("longcat://media/");
  });

  it("lists jobs and opens one", async () => {
    await host.call("longcat_image_generate", { ...CAT, prompt: "a cat on a wall" });
    await host.show("job_list", {});
    await host.viewer.getByRole("button", { name: "a cat on a wall" }).click();
    await pictureCount().toBe(1);
  });

  it("says why a call was refused, and leaves what is there", async () => {
    await host.show("longcat_image_generate", CAT);
    await button("Again with a change").click();
    await host.viewer.getByLabel("What should be made?").fill("a cat [[fault:job-failed]]");
    await button("Make it").click();
    await said().toContain("failed");
  });

  it("offers only what its host allows", async () => {
    await host.reopen({});
    await host.show("longcat_image_generate", CAT);
    await pictureCount().toBe(1);
    expect(await host.viewer.getByRole("group", { name: "Actions" }).count()).toBe(0);
    await host.reopen({ serverTools: {} });
    await host.show("longcat_image_generate", { ...CAT, prompt: "another cat" });
    await seen(button("Again"));
    expect(await button("Save").count()).toBe(0);
  });

  it("shows an answer without anything for it as everybody sees it", async () => {
    await host.give({ content: [{ type: "text", text: "Nothing <i>new</i>." }] });
    await expect
      .poll(() => host.viewer.locator(".plain").textContent())
      .toBe("Nothing <i>new</i>.");
  });

  it("is used by keyboard alone", async () => {
    await host.show("longcat_image_generate", { ...CAT, prompt: "a cat by keys" });
    await pictureCount().toBe(1);
    const focused = () =>
      host.viewer.locator(":focus").evaluateAll(([one]) => one?.textContent?.trim() ?? "");
    await button("Save").focus();
    const order = [await focused()];
    for (let step = 0; step < 6; step++) {
      await host.page.keyboard.press("Tab");
      order.push(await focused());
    }
    expect(order).toEqual([
      ...["Save", "Again", "Again with a change", "Edit this", "Layers"],
      "",
      "What was asked, and its cost",
    ]);
    await button("Edit this").focus();
    await host.page.keyboard.press("Enter");
    await host.page.keyboard.type("at night");
    await host.page.keyboard.press("Tab");
    await host.page.keyboard.press("Enter");
    const slider = host.viewer.getByLabel("Before to after");
    await seen(slider);
    await slider.focus();
    await host.page.keyboard.press("End");
    expect(await host.viewer.locator(".over").getAttribute("style")).toContain("inset(0px 0%");
    expect(calls()).toContainEqual(
      expect.objectContaining({ arguments: expect.objectContaining({ prompt: "at night" }) }),
    );
  });

  it("tells aloud how a job is doing, and not every second how long it takes", async () => {
    const prompt = "a cat [[fault:slow=15000;on=poll;times=1]]";
    await host.show("longcat_image_generate", { ...CAT, prompt, wait_seconds: 0 });
    await said().toMatch(/^LongCat-Image: text to image: (?:queued|running)$/);
    const time = host.viewer.locator(".status [aria-hidden]");
    await expect.poll(() => time.textContent(), PATIENTLY).toMatch(/^, \d+ s/);
    expect(await host.viewer.getByRole("progressbar").isVisible()).toBe(true);
  });

  it("lives on what every host is given", async () => {
    const { structuredContent, content } = await host.show("longcat_image_generate", CAT);
    expect([structuredContent, Array.isArray(content)]).toEqual([undefined, true]);
    await pictureCount().toBe(1);
  });

  it("has no serious fault in any state, however long, foreign or hostile its words are", async () => {
    const prompt = `${"قطة ".repeat(40)} <img src=x onerror=alert(1)> ${"x".repeat(400)}`;
    await host.page.setViewportSize({ width: 320, height: 900 });
    await host.show("longcat_image_generate", { ...CAT, prompt });
    await pictureCount().toBe(1);
    const check = async (state: string) => {
      const overflow = await host.page
        .frames()
        .at(-1)
        ?.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth");
      expect([state, overflow, await seriousFaults()]).toEqual([state, 0, []]);
    };
    await host.viewer.locator("summary").click();
    await check("facts");
    await button("Again with a change").click();
    await check("a wish");
    await host.viewer.locator(".tile").click();
    await seen(host.viewer.getByRole("dialog"));
    await check("full size");
    await button("Close").click();
    await button("Layers").click();
    await seen(host.viewer.locator(".stack"));
    await check("layers");
    await host.show("job_list", {});
    await seen(host.viewer.locator(".rows"));
    await check("a list");
    expect(await host.viewer.locator(".rows img").count()).toBe(0);
  });

  for (const theme of THEMES) {
    for (const width of WIDTHS) {
      it(`is usable in ${theme} colours at ${width} px`, async () => {
        await host.page.setViewportSize({ width, height: 900 });
        await host.reopen(ALL_CAPABILITIES, theme);
        await host.show("longcat_image_generate", { ...CAT, prompt: "a cat", num_images: 3 });
        await pictureCount().toBe(3);
        await host.viewer.locator("summary").click();
        await button("Edit this").click();
        const frame = host.page.frames().at(-1);
        const overflow = await frame?.evaluate(
          "document.documentElement.scrollWidth - document.documentElement.clientWidth",
        );
        expect(overflow).toBe(0);
        expect(await seriousFaults()).toEqual([]);
      });
    }
  }
});
