import { execFile, spawn } from "node:child_process";
import { readFile, writeFile } from "node:fs/promises";
import { promisify } from "node:util";
import {
  Client as ModernClient,
  StreamableHTTPClientTransport as ModernHttp,
} from "@modelcontextprotocol/client";
import { Agent, fetch as undiciFetch } from "undici";
import { afterEach, beforeEach, expect, test } from "vitest";
import { Bench, listeningUrl, PATIENTLY } from "../e2e/harness.ts";
import { freePort } from "../support/free-port.ts";
import { bearer, PING } from "../support/http-server.ts";

/* nginx, as docs/hosting.md has it, in front of the built program and two users. */

const NAME = "mcp.example.com";
const run = promisify(execFile);

let bench: Bench;
beforeEach(async () => {
  bench = await Bench.open();
});
afterEach(() => bench.close());

/** The configuration that the page shows, with this test's ports and certificate. */
async function configuration(port: number, upstream: string): Promise<string> {
  const page = await readFile("docs/hosting.md", "utf8");
  const shown = /```nginx\n(.*?)```/s.exec(page)?.[1] ?? "";
  const own = shown
    .replace("listen 443 ssl", `listen 127.0.0.1:${port} ssl`)
    .replaceAll("/etc/ssl/", `${bench.folder}/`)
    .replace("127.0.0.1:8787", upstream);
  expect(own.split(upstream)).toHaveLength(2);
  const temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
    .map((kind) => `${kind}_temp_path ${bench.folder}/nginx-${kind};`)
    .join(" ");
  return `daemon off; pid ${bench.folder}/nginx.pid; error_log stderr; events {}
http { access_log off; ${temporary}
${own}
}`;
}

test("two users behind nginx with TLS, and nobody else", async () => {
  const tokens = { ada: await bench.addUser("ada"), ben: await bench.addUser("ben") };
  const files = ["-keyout", `${bench.folder}/${NAME}.key`, "-out", `${bench.folder}/${NAME}.crt`];
  const subject = ["-subj", `/CN=${NAME}`, "-addext", `subjectAltName=DNS:${NAME}`];
  await run("openssl", ["req", "-x509", "-newkey", "rsa:2048", "-nodes", ...files, ...subject]);
  const program = bench.launch(["http", "--port", "0"], {
    LONGCAT_MCP_ALLOWED_HOSTS: NAME,
    LONGCAT_MCP_TRUSTED_PROXIES: "127.0.0.1",
  });
  const { host } = await listeningUrl(program);
  const port = await freePort();
  const path = `${bench.folder}/nginx.conf`;
  await writeFile(path, await configuration(port, host));
  const nginx = spawn("nginx", ["-e", "stderr", "-c", path], { stdio: "ignore" });
  const isOver = new Promise((resolve) => nginx.once("exit", resolve));
  const dispatcher = new Agent({
    connect: {
      ca: await readFile(`${bench.folder}/${NAME}.crt`, "utf8"),
      lookup: (_host, _options, done) => done(null, [{ address: "127.0.0.1", family: 4 }]),
    },
  });
  try {
    const url = new URL(`https://${NAME}:${port}/mcp`);
    const send = async (headers: Record<string, string>) => {
      const reply = await undiciFetch(url, {
        method: "POST",
        dispatcher,
        body: JSON.stringify(PING),
        headers: {
          "content-type": "application/json",
          accept: "application/json, text/event-stream",
          ...headers,
        },
      });
      await reply.body?.cancel();
      return reply;
    };
    await expect
      .poll(
        () =>
          send({}).then(
            ({ status }) => status,
            () => 0,
          ),
        PATIENTLY,
      )
      .toBe(401);
    expect((await send({})).headers.get("www-authenticate")).toBe("Bearer");
    expect((await send(bearer(`${tokens.ada.slice(0, -1)}x`))).status).toBe(401);

    const connect = async (token: string) => {
      const client = new ModernClient(
        { name: "behind", version: "1" },
        { versionNegotiation: { mode: { pin: "2026-07-28" } } },
      );
      const requestInit = { headers: bearer(token) };
      const fetch = (to: string | URL, init?: RequestInit) =>
        undiciFetch(to, { ...init, dispatcher } as never) as never;
      await client.connect(new ModernHttp(url, { requestInit, fetch }));
      return client;
    };
    const [ada, ben] = [await connect(tokens.ada), await connect(tokens.ben)];
    const heard: string[] = [];
    ada.fallbackNotificationHandler = async ({ method }) => void heard.push(method);
    await ada.listen({ resourcesListChanged: true });
    const args = { prompt: "A fox", image_size: "square_1_1", wait_seconds: 40 };
    const made = JSON.stringify(
      await ada.callTool({ name: "longcat_image_generate", arguments: args }),
    );
    expect(made).toContain("completed");
    const jobId = /job_[a-z2-7]{26}/.exec(made)?.[0] ?? "";
    await expect.poll(() => heard, PATIENTLY).toContain("notifications/resources/list_changed");
    const look = { name: "job_status", arguments: { job_id: jobId } };
    expect(JSON.stringify(await ben.callTool(look))).toContain("not_found");
    await Promise.all([ada.close(), ben.close()]);

    // A strange page is refused, whoever's token it has.
    const direct = (headers: Record<string, string>) =>
      fetch(`http://${host}/mcp`, {
        method: "POST",
        headers: { "content-type": "application/json", ...bearer(tokens.ada), ...headers },
        body: JSON.stringify(PING),
      });
    expect((await direct({ origin: "https://evil.example" })).status).toBe(403);
  } finally {
    nginx.kill();
    await isOver;
    await dispatcher.close();
  }
});
