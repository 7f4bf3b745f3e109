import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StdioClientTransport } from "@modelcontextprotocol/sdk/client/stdio.js";
import { build } from "esbuild";
import type { Browser, FrameLocator, Page } from "playwright-core";
import * as z from "zod";

const CLI = resolve("dist/cli.js");
const PAGE = resolve("test/browser/host-page.ts");
export const ALL_CAPABILITIES = {
  serverTools: {},
  serverResources: {},
  downloadFile: {},
  updateModelContext: {},
};

const calledSchema = z.looseObject({
  name: z.string(),
  arguments: z.record(z.string(), z.unknown()),
});

/** A host with MCP Apps: the built program over stdio, and its viewer in a real browser. */
export interface ViewerHost {
  page: Page;
  viewer: FrameLocator;
  /** The home of its user, with everything that was made. */
  folder: string;
  /** What the viewer asked its host for, in order. */
  asked: { kind: string; params: unknown }[];
  /** Errors of the browser's console. */
  complaints: string[];
  /** Calls a tool as the assistant does, and shows its answer. */
  show(name: string, args: Record<string, unknown>): Promise<Record<string, unknown>>;
  call(name: string, args: Record<string, unknown>): Promise<Record<string, unknown>>;
  give(result: unknown): Promise<void>;
  /** Opens a new viewer. */
  reopen(capabilities?: Record<string, object>, theme?: string): Promise<void>;
  close(): Promise<void>;
}

export async function openViewerHost(browser: Browser): Promise<ViewerHost> {
  const folder = await mkdtemp(join(tmpdir(), "longcat-viewer-"));
  const client = new Client(
    { name: "apps-host", version: "1" },
    {
      capabilities: {
        extensions: { "io.modelcontextprotocol/ui": { mimeTypes: ["text/html;profile=mcp-app"] } },
      },
    },
  );
  await client.connect(
    new StdioClientTransport({
      command: process.execPath,
      args: [CLI, "--sandbox"],
      env: {
        PATH: process.env["PATH"] ?? "",
        HOME: folder,
        LONGCAT_MCP_DATA_DIR: `${folder}/data`,
        LONGCAT_MCP_OUTPUT_DIR: `${folder}/pictures`,
        LONGCAT_MCP_SANDBOX_SPEED: "20",
      },
      stderr: "ignore",
    }),
  );
  const { contents } = await client.readResource({ uri: "ui://longcat/viewer" });
  const html = z.object({ text: z.string() }).parse(contents[0]).text;
  const { outputFiles } = await build({
    entryPoints: [PAGE],
    bundle: true,
    write: false,
    format: "iife",
    platform: "browser",
  });
  const script = outputFiles[0]?.text ?? "";
  const server = createServer((request, response) => {
    const isScript = request.url === "/host.js";
    response.setHeader("content-type", isScript ? "text/javascript" : "text/html; charset=utf-8");
    response.end(
      isScript
        ? script
        : '<!doctype html><html lang="en"><title>host</title><link rel="icon" href="data:,"><style>body{margin:0}iframe{border:0;width:100%;height:600px}</style><body></body><script src="/host.js"></script></html>',
    );
  });
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  const address = server.address();
  const port = typeof address === "object" ? address?.port : undefined;

  const page = await browser.newPage();
  const asked: ViewerHost["asked"] = [];
  const complaints: string[] = [];
  page.on("console", (line) => {
    if (line.type() === "error" || line.type() === "warning") complaints.push(line.text());
  });
  page.on("pageerror", (error) => complaints.push(String(error)));
  const call = (name: string, args: Record<string, unknown>) =>
    client.callTool({ name, arguments: args });
  await page.exposeFunction("hostCall", async (kind: string, params: unknown) => {
    asked.push({ kind, params });
    if (kind === "tools/call") {
      const { name, arguments: args } = calledSchema.parse(params);
      return call(name, args);
    }
    if (kind === "resources/read") {
      return client.readResource({ uri: z.object({ uri: z.string() }).parse(params).uri });
    }
    return {};
  });
  await page.goto(`http://127.0.0.1:${port}/`);
  const reopen = async (
    capabilities: Record<string, object> = ALL_CAPABILITIES,
    theme = "light",
  ) => {
    asked.length = 0;
    await page.evaluate(([text, can, colours]) => window.openViewer(text, can, colours), [
      html,
      capabilities,
      theme,
    ] as const);
  };
  const give = async (result: unknown) => {
    await page.evaluate((one) => window.giveResult(one), result);
  };
  await reopen();
  return {
    page,
    folder,
    viewer: page.frameLocator("iframe"),
    asked,
    complaints,
    call,
    give,
    reopen,
    async show(name, args) {
      const result = await call(name, args);
      await give(result);
      return result;
    },
    async close() {
      await page.close();
      server.close();
      await client.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
