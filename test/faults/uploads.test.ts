import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StreamableHTTPClientTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";
import { describe, expect, test } from "vitest";
import { UPLOAD_POINTS } from "../../src/inputs/uploads.ts";
import { Bench, listeningUrl } from "../e2e/harness.ts";
import { freePort } from "../support/free-port.ts";

/** Ends what hangs; minutes for each, however busy the machine is. */
const TIMEOUT_MS = 600_000;
const TEXT = "# Notes\n";

describe("the plug pulled during an upload", () => {
  for (const point of UPLOAD_POINTS) {
    test(`at ${point}: it is there once, or can be sent again`, {
      timeout: TIMEOUT_MS,
    }, async () => {
      const bench = await Bench.open({ speed: 40 });
      try {
        const adding = bench.launch(["users", "add", "ann"]);
        await adding.start();
        await adding.exited();
        const token = adding.strayLines.join("").trim();
        const env = { LONGCAT_MCP_PUBLIC_PORT: String(await freePort()) };
        const serve = async (more: Record<string, string> = {}) => {
          const program = bench.launch(["http", "--port", "0"], { ...env, ...more });
          await program.start();
          const client = new Client({ name: "uploads", version: "1" });
          const requestInit = { headers: { authorization: `Bearer ${token}` } };
          const url = await listeningUrl(program);
          await client.connect(new StreamableHTTPClientTransport(url, { requestInit }));
          const call = async (name: string, args: Record<string, unknown>) =>
            JSON.stringify(await client.callTool({ name, arguments: args }));
          return { program, call };
        };
        const send = (url: string) =>
          fetch(url, { method: "PUT", body: TEXT }).then(
            ({ status }) => status,
            () => undefined,
          );

        const doomed = await serve({ LONGCAT_MCP_TEST_CRASH_AT: point });
        const told = await doomed.call("upload_link", { filename: "notes.md" });
        const url = /http:\/\/127\.0\.0\.1:\d+\/uploads\/[a-z2-7]{26}/.exec(told)?.[0] ?? "";
        const uri = /longcat:\/\/uploads\/[a-z2-7]{26}/.exec(told)?.[0] ?? "";
        const first = await send(url);
        expect(await doomed.program.exited()).toBeNull();

        const { call } = await serve();
        const again = await send(url);
        // Whoever was not told that it came sends it again, and hears of it if it had.
        expect([first, again]).toEqual([undefined, point === "upload-noted" ? 409 : 201]);
        const asked = { prompt: "Sum up", files: [uri], dry_run: true };
        expect(await call("longcat_chat", asked)).toContain("notes.md");
        const kept = (await readdir(join(bench.dataDir, "uploads"))).filter((name) =>
          /^[a-z2-7]{26}\./.test(name),
        );
        // What lies there without a record goes an hour later: its process might be about to note it.
        expect(kept).toHaveLength(["upload-ready", "upload-placed"].includes(point) ? 2 : 1);
      } finally {
        await bench.close();
      }
    });
  }
});
