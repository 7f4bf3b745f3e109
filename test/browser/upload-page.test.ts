import { execFile } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { source as axe } from "axe-core";
import type { Browser, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from "vitest";
import * as z from "zod";
import { PATIENTLY } from "../e2e/harness.ts";
import { picture } from "../support/pictures.ts";
import { FAR, openSharedHouse } from "../support/shared-house.ts";
import { openBrowser } from "./chromium.ts";

const MIB = 1024 * 1024;
const HOSTILE = '"><img src=x onerror=alert(1)>\u202e.png';

let browser: Browser;
let house: Awaited<ReturnType<typeof openSharedHouse>>;
let call: (name: string, args: Record<string, unknown>) => Promise<string>;
let folder: string;
let page: Page;
const complaints: string[] = [];

beforeAll(async () => {
  browser = await openBrowser();
  folder = await mkdtemp(join(tmpdir(), "longcat-mcp-page-"));
  house = await openSharedHouse({ LONGCAT_MCP_UPLOAD_BYTES: String(8 * MIB) });
  const client = await house.old(`${FAR}eve`);
  call = async (name, args) => JSON.stringify(await client.callTool({ name, arguments: args }));
}, 150_000);

afterAll(async () => {
  await browser.close();
  await house.close();
  await rm(folder, { recursive: true, force: true });
});

beforeEach(async () => {
  page = await browser.newPage();
  page.on("pageerror", (error) => complaints.push(error.message));
  page.on("console", (message) => {
    // A refusal is told by the page; the browser notes it as well.
    const isRefusal = message.text().startsWith("Failed to load resource");
    if (message.type() === "error" && !isRefusal) complaints.push(message.text());
  });
  page.on("dialog", (dialog) => {
    complaints.push(dialog.message());
    void dialog.dismiss();
  });
});

afterEach(async () => {
  await page.close();
  expect(complaints.splice(0)).toEqual([]);
});

/** An address that takes a file, and where it is found then. */
async function invited(filename?: string) {
  const text = await call("upload_link", filename === undefined ? {} : { filename });
  return {
    text,
    url: /http:\/\/127\.0\.0\.1:\d+\/uploads\/[a-z2-7]{26}/.exec(text)?.[0] ?? "",
    uri: /longcat:\/\/uploads\/[a-z2-7]{26}/.exec(text)?.[0] ?? "",
  };
}

async function fileOf(name: string, bytes: Buffer | string): Promise<string> {
  const path = join(folder, name);
  await writeFile(path, bytes);
  return path;
}

const input = () => page.locator("#file");
const said = () => expect.poll(() => page.getByRole("status").textContent(), PATIENTLY);
const usedIn = async (uri: string) =>
  call("longcat_chat", { prompt: "Sum up", files: [uri], dry_run: true });

async function seriousFaults(): Promise<string[]> {
  await page.evaluate(axe);
  return z
    .array(z.looseObject({ id: z.string(), impact: z.string().nullable() }))
    .parse(await page.evaluate("axe.run().then((r) => r.violations)"))
    .filter(({ impact }) => impact === "serious" || impact === "critical")
    .map(({ id }) => id);
}

/** Lets go of files above the zone, as somebody does who drags them there. */
async function drop(...files: { name: string; text: string }[]): Promise<void> {
  await page.evaluate((dropped) => {
    const data = new DataTransfer();
    for (const { name, text } of dropped) data.items.add(new File([text], name));
    for (const type of ["dragenter", "dragover", "drop"]) {
      const event = new DragEvent(type, { dataTransfer: data, bubbles: true, cancelable: true });
      document.getElementById("zone")?.dispatchEvent(event);
    }
  }, files);
}

it("takes a file that is dropped on it, and the caller uses it", async () => {
  const { url, uri } = await invited("notes.md");
  await page.goto(url);
  await drop({ name: "notes.md", text: "# Grüße\n" });
  await said().toMatch(/^Received: 10 bytes, text\/plain\. It is longcat:\/\/uploads\//);
  expect(await page.locator("#zone").isVisible()).toBe(false);
  expect(await usedIn(uri)).toContain("notes.md");
  await page.reload();
  await said().toContain("was received");
});

it("takes a file that is chosen with the keyboard alone", async () => {
  const { url, uri } = await invited();
  await page.goto(url);
  await page.keyboard.press("Tab");
  expect(await input().evaluate((it) => it === document.activeElement)).toBe(true);
  const choosing = page.waitForEvent("filechooser");
  await page.keyboard.press("Enter");
  await (await choosing).setFiles(await fileOf("cat.png", await picture("png")));
  await said().toMatch(/^Received: .*image\/png/);
  const edited = await call("qwen_image_edit", { prompt: "Red", image: uri, dry_run: true });
  expect(edited).toContain("Dry run");
});

it("says what it does not take, and takes another file, also the same one once it is right", async () => {
  const { url } = await invited();
  await page.goto(url);
  const film = await fileOf("film.mp4", Buffer.alloc(6 * MIB, "\0\0\0\x18ftypmp42"));
  await input().setInputFiles(film);
  await said().toMatch(/^This is a file of type video\/mp4\. Pictures, ZIP archives and text/);
  await input().setInputFiles(await fileOf("large.txt", Buffer.alloc(9 * MIB, "a")));
  await said().toContain("At most 8,388,608 bytes are taken of this.");
  await writeFile(film, "It is a text by now.");
  await input().setInputFiles(film);
  await said().toMatch(/^Received: 20 bytes/);
});

it("says at once what is too large to be sent, in words", async () => {
  const { url } = await invited("cat.png");
  await page.goto(url);
  await input().setInputFiles(await fileOf("large.png", Buffer.alloc(9 * MIB, "a")));
  await said().toBe(
    "This file has 9,437,184 bytes, and at most 8,388,608 bytes are taken. Choose another one.",
  );
  expect(await input().isEnabled()).toBe(true);
});

it("takes one file, and says so where several are dropped", async () => {
  const { url, uri } = await invited();
  await page.goto(url);
  await drop({ name: "a.txt", text: "a" }, { name: "b.txt", text: "b" });
  await said().toBe("One file is taken here. Drop one alone.");
  expect(await usedIn(uri)).toContain("has not been uploaded yet");
});

it("says what has become of its address meanwhile: used, or over", async () => {
  const used = await invited();
  await page.goto(used.url);
  await fetch(used.url, { method: "PUT", body: "by another way" });
  await drop({ name: "a.txt", text: "a" });
  await said().toContain("A file was sent to this address already: it takes one.");

  const over = await invited();
  await page.goto(over.url);
  await page.evaluate(() => history.replaceState(null, "", "a".repeat(26)));
  await drop({ name: "a.txt", text: "a" });
  await said().toContain("There is nothing here, or not any more");
});

it("says what to do where the connection is cut, and takes the same file then", async () => {
  const { url } = await invited();
  await page.goto(url);
  await page.route("**/uploads/*", (route) =>
    route.request().method() === "PUT" ? route.abort("connectionreset") : route.continue(),
  );
  const path = await fileOf("a.txt", "again and again");
  await input().setInputFiles(path);
  await said().toContain("It was cut");
  await page.unroute("**/uploads/*");
  await input().setInputFiles(path);
  await said().toMatch(/^Received: 15 bytes/);
});

it("shows a name as it is, and runs nothing of it", async () => {
  const { url } = await invited(HOSTILE);
  await page.goto(url);
  expect(await page.locator("h1").textContent()).toBe('Send "><img src=x onerror=alert(1)>.png');
  expect(await page.locator("img").count()).toBe(0);
});

it.each(["light", "dark"] as const)(
  "can be read and used by everybody, in a %s theme, narrow and wide",
  async (colorScheme) => {
    const { url } = await invited(`${"very-long-".repeat(15)}name of a cat.png`);
    const shots = process.env["SCREENSHOTS"];
    await page.emulateMedia({ colorScheme });
    for (const width of [320, 1280]) {
      await page.setViewportSize({ width, height: 700 });
      await page.goto(url);
      expect(await seriousFaults()).toEqual([]);
      expect(await page.evaluate("document.documentElement.scrollWidth")).toBe(width);
      if (shots) await page.screenshot({ path: `${shots}/upload-${colorScheme}-${width}.png` });
      await drop({ name: "a.txt", text: "a" }, { name: "b.txt", text: "b" });
      expect(await seriousFaults()).toEqual([]);
      if (shots)
        await page.screenshot({ path: `${shots}/upload-told-${colorScheme}-${width}.png` });
    }
    await page.goto(url.replace(/.{26}$/, "a".repeat(26)));
    expect(await page.textContent("body")).toContain("There is nothing here");
    if (shots) await page.screenshot({ path: `${shots}/upload-gone-${colorScheme}.png` });
  },
);

it("the line for curl works as it is given, and so does what curl says of a refusal", async () => {
  const { url, uri, text } = await invited("my notes.md");
  const line = z
    .string()
    .parse(/ {3}(curl [^\n]*?)\\n/.exec(text)?.[1])
    .replaceAll('\\"', '"');
  await fileOf("my notes.md", "# Notes\n");
  const run = promisify(execFile);
  const { stdout } = await run("sh", ["-c", line], { cwd: folder });
  expect(stdout).toBe(`Received: 8 bytes, text/plain. It is ${uri}\n`);
  expect(line).toContain(url);
  await expect(run("sh", ["-c", line], { cwd: folder })).rejects.toMatchObject({
    code: 22,
    stdout: expect.stringContaining("A file was sent to this address already: it takes one."),
    stderr: expect.stringContaining("409"),
  });
});
