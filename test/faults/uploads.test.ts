import { readdir } from "node:fs/promises";
import { connect } from "node:net";
import { join } from "node:path";
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StreamableHTTPClientTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";
import { describe, expect, test } from "vitest";
import { UPLOAD_POINTS } from "../../src/inputs/uploads.ts";
import { Bench, listeningUrl, PATIENTLY } from "../e2e/harness.ts";
import { freePort } from "../support/free-port.ts";

/** Ends what hangs; minutes for each, however busy the machine is. */
const TIMEOUT_MS = 600_000;
const TEXT = "# Notes\n";

/** A service for one user, whose programs share a folder and a public port. */
async function openService(bench: Bench) {
  const token = await bench.addUser("ann");
  const env = { LONGCAT_MCP_PUBLIC_PORT: String(await freePort()) };
  return {
    port: Number(env.LONGCAT_MCP_PUBLIC_PORT),
    kept: async () =>
      (await readdir(join(bench.dataDir, "uploads"))).filter((name) =>
        /^[a-z2-7]{26}\./.test(name),
      ),
    staged: async () =>
      (await readdir(join(bench.dataDir, "uploads"), { recursive: true })).filter((name) =>
        name.endsWith(".partial"),
      ),
    async serve(more: Record<string, string> = {}) {
      const program = bench.launch(["http", "--port", "0"], { ...env, ...more });
      await program.start();
      const client = new Client({ name: "uploads", version: "1" });
      const requestInit = { headers: { authorization: `Bearer ${token}` } };
      const url = await listeningUrl(program);
      await client.connect(new StreamableHTTPClientTransport(url, { requestInit }));
      const call = async (name: string, args: Record<string, unknown>) =>
        JSON.stringify(await client.callTool({ name, arguments: args }));
      return {
        program,
        call,
        invite: async () => {
          const told = await call("upload_link", { filename: "notes.md" });
          return {
            url: /http:\/\/127\.0\.0\.1:\d+\/uploads\/[a-z2-7]{26}/.exec(told)?.[0] ?? "",
            uri: /longcat:\/\/uploads\/[a-z2-7]{26}/.exec(told)?.[0] ?? "",
          };
        },
        use: (uri: string) =>
          call("longcat_chat", { prompt: "Sum up", files: [uri], dry_run: true }),
      };
    },
    /** @returns `undefined` where nobody answers. */
    send: (url: string) =>
      fetch(url, { method: "PUT", body: TEXT }).then(
        ({ status }) => status,
        () => undefined,
      ),
  };
}

async function withService(
  run: (service: Awaited<ReturnType<typeof openService>>) => Promise<void>,
): Promise<void> {
  const bench = await Bench.open({ speed: 40 });
  try {
    await run(await openService(bench));
  } finally {
    await bench.close();
  }
}

describe("the plug pulled during an upload", () => {
  for (const point of UPLOAD_POINTS) {
    test(`at ${point}: it is there once, or can be sent again`, { timeout: TIMEOUT_MS }, () =>
      withService(async ({ serve, send, kept }) => {
        const doomed = await serve({ LONGCAT_MCP_TEST_CRASH_AT: point });
        const { url, uri } = await doomed.invite();
        const first = await send(url);
        expect(await doomed.program.exited()).toBeNull();

        const { use } = await serve();
        const again = await send(url);
        // Whoever was not told that it came sends it again, and hears of it if it had.
        expect([first, again]).toEqual([undefined, point === "upload-noted" ? 409 : 201]);
        expect(await use(uri)).toContain("notes.md");
        // What lies there without a record goes an hour later: its process might be about to note it.
        const isLeft = ["upload-ready", "upload-placed"].includes(point);
        expect(await kept()).toHaveLength(isLeft ? 2 : 1);
      }),
    );
  }

  test(
    "in the middle of its bytes: nothing of them stays, and it can be sent again",
    {
      timeout: TIMEOUT_MS,
    },
    () =>
      withService(async ({ serve, send, kept, staged, port }) => {
        const doomed = await serve();
        const { url, uri } = await doomed.invite();
        const socket = connect(port, "127.0.0.1");
        const closed = new Promise((resolve) => socket.once("close", resolve));
        socket.on("error", () => {});
        socket.write(
          `PUT ${new URL(url).pathname} HTTP/1.1\r\nhost: x\r\ncontent-length: 90000\r\n\r\n`,
        );
        socket.write("half of it ".repeat(1_000));
        await expect.poll(staged, PATIENTLY).toHaveLength(1);
        await doomed.program.kill("SIGKILL");
        await closed;

        const { use } = await serve();
        expect(await staged()).toEqual([]);
        expect(await send(url)).toBe(201);
        expect(await use(uri)).toContain("notes.md");
        expect(await kept()).toHaveLength(1);
      }),
  );
});

test(
  "of two processes on one folder either takes what the other has invited to, also when one is gone",
  {
    timeout: TIMEOUT_MS,
  },
  () =>
    withService(async ({ serve, send, kept }) => {
      const first = await serve();
      const one = await first.invite();
      const second = await serve();
      const two = await second.invite();
      const three = await second.invite();
      expect(await send(two.url)).toBe(201);
      const statuses = await Promise.all([send(one.url), send(one.url), send(one.url)]);
      expect(statuses.sort()).toEqual([201, 409, 409]);
      for (const { use } of [first, second]) {
        for (const { uri } of [one, two]) expect(await use(uri)).toContain("notes.md");
        expect(await use(three.uri)).toContain("has not been uploaded yet");
      }
      expect(await kept()).toHaveLength(2);

      // Whoever had the port is gone: the other takes it over.
      await first.program.kill("SIGKILL");
      await expect.poll(() => send(three.url), PATIENTLY).toBe(201);
      expect(await second.use(three.uri)).toContain("notes.md");
      expect(await kept()).toHaveLength(3);
    }),
);
