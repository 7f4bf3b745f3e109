import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readFile, realpath, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { Bench } from "../e2e/harness.ts";
import { CLIENTS, type ClientKind } from "../e2e/mcp-client.ts";
import { connectAsked, type Person, says } from "../support/asked-client.ts";
import { picture } from "../support/pictures.ts";

/* Places outside the allowed folders, which the user opens or does not. */

let bench: Bench;
/** Outside of all that is allowed. */
let outside: string;
beforeEach(async () => {
  bench = await Bench.open();
  outside = await realpath(await mkdtemp(join(tmpdir(), "somewhere-")));
  await writeFile(join(outside, "cat.png"), await picture());
  await writeFile(join(outside, "notes.txt"), "the word is heliotrope");
});
afterEach(async () => {
  await bench.close();
  await rm(outside, { recursive: true, force: true });
});

const connect = (kind: ClientKind, person?: Person) => connectAsked(kind, bench.launch([]), person);
const edit = (path: string) => ({
  prompt: "Make it blue",
  image: path,
  wait_seconds: 20,
});
const ALWAYS = { choice: "always" };

async function folders(...words: string[]): Promise<string> {
  const program = bench.launch(["folders", ...words]);
  await program.start();
  await program.exited();
  return program.output + program.stderr;
}

describe.each(CLIENTS)("%s, asked about a place", (kind) => {
  it("reads a file once, when the user lets it, and asks for the next", async () => {
    const client = await connect(kind, says("accept", { choice: "once" }));
    const path = join(outside, "cat.png");
    expect(await client.call("qwen_image_edit", edit(path))).toContain("completed in");
    expect(client.shown[0]?.message).toBe(
      `Read a file outside the allowed folders?\n${path}\n“always” allows other files in ${outside} from now on; \`longcat-mcp folders\` takes that back.`,
    );
    await client.call("qwen_image_edit", { ...edit(path), prompt: "Make it red" });
    expect(client.shown).toHaveLength(2);
    expect(await folders()).toContain("No folder was opened");
  });

  it("reads from a folder from now on, until that is taken back", async () => {
    const client = await connect(kind, says("accept", ALWAYS));
    await client.call("qwen_image_edit", edit(join(outside, "cat.png")));
    const files = [join(outside, "*.txt")];
    const asked = { prompt: "Which word?", files, wait_seconds: 20 };
    expect(await client.call("longcat_chat", asked)).toContain("completed");
    expect(client.shown).toHaveLength(1);
    expect(await folders("list")).toMatch(
      new RegExp(`^read  20\\d\\d-\\d\\d-\\d\\d  ${outside}\n$`),
    );
    expect(await folders("close", outside)).toContain("is closed");
    expect(await folders("close", outside)).toContain("was not opened");
    await client.call("longcat_chat", { ...asked, prompt: "Which word again?" });
    expect(client.shown).toHaveLength(2);
    expect(client.shown[1]?.message).toContain("Read all files in a folder outside");
  });

  it.each(["decline", "cancel"] as const)("reads nothing when they %s", async (action) => {
    const client = await connect(kind, says(action));
    for (const [tool, args] of [
      ["qwen_image_edit", edit(join(outside, "cat.png"))],
      ["longcat_chat", { prompt: "Which word?", files: [join(outside, "notes.txt")] }],
    ] as const) {
      const text = await client.call(tool, args);
      expect(text).toContain("is outside the allowed folders");
      expect(text).not.toContain("heliotrope");
    }
    expect(client.shown).toHaveLength(2);
    expect(bench.posts).toBe(0);
  });

  it("is asked about where a path leads, and told no more than that", async () => {
    const link = join(bench.folder, "harmless.png");
    await symlink(join(outside, "missing.png"), link);
    const client = await connect(kind, says("decline"));
    const text = await client.call("qwen_image_edit", edit(link));
    expect(client.shown[0]?.message).toContain(join(outside, "missing.png"));
    expect(text).not.toContain(outside);
    expect(text).not.toContain("does not exist");
  });

  it("saves where they allow it, and nothing there that runs", async () => {
    const client = await connect(kind, says("accept", { choice: "once" }));
    const wish = { prompt: "A cat", wait_seconds: 20, save_to: join(outside, "shelf", "cat.png") };
    const made = await client.call("qwen_image_generate", wish);
    expect(made).toContain(wish.save_to);
    expect(existsSync(wish.save_to)).toBe(true);
    expect(client.shown).toHaveLength(1);
    const job = /job_[a-z2-7]{26}/.exec(made)?.[0] ?? "";
    const save = (save_to: string) => client.call("media_save", { job_id: job, save_to });
    expect(await save(`${outside}/other/`)).toContain("Saved 1 file");
    expect(client.shown).toHaveLength(2);
    expect(await save(join(outside, "run.sh"))).toContain("invalid_input");
    expect(await save(join(outside, ".hidden", "cat.png"))).toContain("outside the allowed");
    expect(existsSync(join(outside, "run.sh"))).toBe(false);
    // Nobody is asked about hidden folders.
    expect(client.shown).toHaveLength(3);
  });

  it("saves nothing when they say no, and buys nothing for it", async () => {
    const client = await connect(kind, says("decline"));
    const wish = { prompt: "A cat", save_to: join(outside, "cat-2.png") };
    expect(await client.call("qwen_image_generate", wish)).toContain("outside the allowed folders");
    expect(bench.posts).toBe(0);
    expect(existsSync(wish.save_to)).toBe(false);
  });

  it("opens nothing where nobody can be asked", async () => {
    const client = await connect(kind);
    const text = await client.call("qwen_image_edit", edit(join(outside, "cat.png")));
    expect(text).toContain("LONGCAT_MCP_INPUT_DIRS");
    expect(bench.posts).toBe(0);
  });
});

it("a home folder, or one above it, is opened for one file at the most", async () => {
  await mkdir(bench.homeDir, { recursive: true });
  await writeFile(join(bench.homeDir, "cat.png"), await picture());
  const client = await connect("client 2.x", says("accept", ALWAYS));
  await client.call("qwen_image_edit", edit(join(bench.homeDir, "cat.png")));
  expect(client.shown[0]?.message).not.toContain("always");
  expect(await folders()).toContain("No folder was opened");
});

it("what was opened is its user's alone, and what is broken opens nothing", async () => {
  const client = await connect("client 2.x", says("accept", ALWAYS));
  await client.call("qwen_image_edit", edit(join(outside, "cat.png")));
  const kept = join(bench.dataDir, "opened-folders.json");
  expect(JSON.parse(await readFile(kept, "utf8"))).toMatchObject({
    folders: [{ use: "read", folder: outside }],
  });
  await writeFile(kept, "{");
  expect(await folders()).toContain("cannot be read as this program writes it");
  await client.call("qwen_image_edit", { ...edit(join(outside, "cat.png")), prompt: "Red" });
  expect(client.shown).toHaveLength(2);
});
