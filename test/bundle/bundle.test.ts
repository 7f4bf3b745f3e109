import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, dirname, join, resolve } from "node:path";
import { promisify } from "node:util";
import { Client } from "@modelcontextprotocol/client";
import { StdioClientTransport } from "@modelcontextprotocol/client/stdio";
import sharp from "sharp";
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from "vitest";
import * as z from "zod";
import packageJson from "../../package.json" with { type: "json" };
import { tempDir } from "../support/temp-dir.ts";

/* What Claude Desktop installs: packed by `npm run package`, unpacked and started as its manifest says. */

const MCPB = resolve("node_modules/@anthropic-ai/mcpb/dist/cli/cli.js");
const BUNDLE = resolve(`${packageJson.name}-${packageJson.version}.mcpb`);
const MAX_BUNDLE_BYTES = 25 * 1024 * 1024;
const MAX_PICTURES_BYTES = 600 * 1024;
const CAT = { prompt: "A cat", image_size: "square_1_1" };
const KEYS = { api_key: "pixazo-key-of-a-form", longcat_api_key: "longcat-key-of-a-form" };

const manifestSchema = z.looseObject({
  icon: z.string(),
  screenshots: z.array(z.string()).min(2),
  server: z.looseObject({
    entry_point: z.string(),
    mcp_config: z.looseObject({
      command: z.literal("node"),
      args: z.array(z.string()),
      env: z.record(z.string(), z.string()),
    }),
  }),
  tools: z.array(z.looseObject({ name: z.string() })),
  user_config: z.record(z.string(), z.looseObject({ default: z.unknown().optional() })),
});

let folder: string;
let manifest: z.output<typeof manifestSchema>;

beforeAll(async () => {
  const { size } = await stat(BUNDLE).catch(() =>
    expect.fail(`${BUNDLE} is not there: \`npm run package\` makes it`),
  );
  expect(size).toBeLessThan(MAX_BUNDLE_BYTES);
  folder = join(await mkdtemp(join(tmpdir(), "longcat-bundle-")), "unpacked");
  await promisify(execFile)(process.execPath, [MCPB, "unpack", BUNDLE, folder]);
  manifest = manifestSchema.parse(
    JSON.parse(await readFile(join(folder, "manifest.json"), "utf8")),
  );
});

afterAll(() => rm(dirname(folder), { recursive: true, force: true }));

/** A host's part: `${__dirname}`, `${user_config.…}` where there is a value, else left as it is. */
function fillIn(text: string, chosen: Readonly<Record<string, unknown>>): string {
  return text.replaceAll(/\$\{(__dirname|user_config\.(\w+))\}/g, (whole, name, setting) => {
    if (name === "__dirname") return folder;
    const value = chosen[setting] ?? manifest.user_config[setting]?.default;
    return value === undefined ? whole : String(value);
  });
}

/** Starts the program by the Node that runs this test, with what somebody has filled in. */
async function start(chosen: Readonly<Record<string, unknown>>) {
  const { command, args, env } = manifest.server.mcp_config;
  const home = await tempDir();
  const filled = Object.entries(env).map(([name, value]) => [name, fillIn(value, chosen)]);
  const transport = new StdioClientTransport({
    command,
    args: args.map((text) => fillIn(text, chosen)),
    env: {
      PATH: [dirname(process.execPath), process.env["PATH"] ?? ""].join(delimiter),
      ...{ HOME: home, USERPROFILE: home },
      ...Object.fromEntries(filled),
    },
    // Desktop hosts start servers there.
    cwd: resolve("/"),
    stderr: "pipe",
  });
  let stderr = "";
  transport.stderr?.on("data", (chunk) => {
    stderr += String(chunk);
  });
  const client = new Client({ name: "desktop", version: "1" });
  await client.connect(transport);
  onTestFinished(() => client.close());
  const call = async (name: string, given: Record<string, unknown>) => {
    const { isError, content } = await client.callTool({ name, arguments: given });
    const [first] = content;
    return { isError: isError ?? false, text: first?.type === "text" ? first.text : "" };
  };
  return { client, call, home, stderr: () => stderr };
}

describe("the bundle", () => {
  it("does both jobs as soon as the sandbox is switched on, with nothing else filled in", async () => {
    const { client, call, home } = await start({ sandbox: true });
    const { tools } = await client.listTools();
    expect(tools.map(({ name }) => name)).toEqual(manifest.tools.map(({ name }) => name));
    const prompt = "A paper boat on a still pond";
    const made = await call("longcat_image_generate", { prompt, image_size: "square_1_1" });
    const path = /^1\. (.*)$/m.exec(made.text)?.[1] ?? "";
    expect([made.isError, path.startsWith(home)], made.text).toEqual([false, true]);
    const { entropy } = await sharp(path).stats();
    expect((await sharp(path).metadata()).format).toBe("png");
    expect(entropy).toBeGreaterThan(1);
    const told = await call("longcat_chat", { prompt: "What is a paper boat made of?" });
    expect([told.isError, told.text.includes("thread_")], told.text).toEqual([false, true]);
  });

  it("takes both keys from the form, and says which is missing where one was left out", async () => {
    const both = await start(KEYS);
    const dry = await both.call("z_image_turbo_generate", {
      ...CAT,
      dry_run: true,
    });
    expect([dry.isError, dry.text.startsWith("Dry run:")], dry.text).toEqual([false, true]);
    expect(dry.text).toContain("Key: PIXAZO_API_KEY is set.");
    const chat = await both.call("longcat_chat", { prompt: "Hello", dry_run: true });
    expect(chat.text).toContain("Key: LONGCAT_API_KEY is set.");
    for (const key of Object.values(KEYS)) {
      expect(dry.text + chat.text + both.stderr()).not.toContain(key);
    }
    const none = await start({});
    const refused = await none.call("z_image_turbo_generate", CAT);
    expect([refused.isError, refused.text.includes("PIXAZO_API_KEY")], refused.text).toEqual([
      true,
      true,
    ]);
  });

  it("has the icon and the pictures that its manifest shows, and they are small", async () => {
    const paths = [manifest.icon, ...manifest.screenshots];
    const pictures = await Promise.all(
      paths.map(async (path) => {
        const { format, width = 0, height = 0 } = await sharp(join(folder, path)).metadata();
        return { path, format, width, height, size: (await stat(join(folder, path))).size };
      }),
    );
    expect(pictures.filter(({ format }) => format !== "png")).toEqual([]);
    expect(pictures[0]).toMatchObject({ width: 512, height: 512 });
    expect(pictures.reduce((sum, { size }) => sum + size, 0)).toBeLessThan(MAX_PICTURES_BYTES);
    for (const { width, height } of pictures.slice(1)) {
      expect(Math.min(width, height)).toBeGreaterThan(400);
    }
  });
});
