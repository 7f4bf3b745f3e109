import { execFile, spawn } from "node:child_process";
import { readFile, writeFile } from "node:fs/promises";
import { promisify } from "node:util";
import { Agent, fetch as undiciFetch } from "undici";
import { expect } from "vitest";
import { type Bench, listeningUrl, PATIENTLY } from "../e2e/harness.ts";
import { freePort } from "../support/free-port.ts";

/** What clients call the server. */
export const NAME = "mcp.example.com";
const run = promisify(execFile);

export interface BehindNginx {
  /** Where clients connect: the name, and the port of this test. */
  origin: string;
  /** Where the program itself listens. */
  direct: URL;
  fetch: (to: string | URL, init?: Parameters<typeof undiciFetch>[1]) => Promise<Answer>;
  close(): Promise<void>;
}

type Answer = Awaited<ReturnType<typeof undiciFetch>>;

/** Starts the built program and nginx in front of it, as docs/hosting.md has it, with TLS. */
export async function startBehindNginx(bench: Bench): Promise<BehindNginx> {
  const files = ["-keyout", `${bench.folder}/${NAME}.key`, "-out", `${bench.folder}/${NAME}.crt`];
  const subject = ["-subj", `/CN=${NAME}`, "-addext", `subjectAltName=DNS:${NAME}`];
  await run("openssl", ["req", "-x509", "-newkey", "rsa:2048", "-nodes", ...files, ...subject]);
  const program = bench.launch(["http", "--port", "0"], {
    LONGCAT_MCP_ALLOWED_HOSTS: NAME,
    LONGCAT_MCP_TRUSTED_PROXIES: "127.0.0.1",
  });
  const direct = await listeningUrl(program);
  const port = await freePort();
  const path = `${bench.folder}/nginx.conf`;
  await writeFile(path, await configuration(bench, port, direct.host));
  const nginx = spawn("nginx", ["-e", "stderr", "-c", path], { stdio: "ignore" });
  const isOver = new Promise((resolve) => nginx.once("exit", resolve));
  const dispatcher = new Agent({
    connect: {
      ca: await readFile(`${bench.folder}/${NAME}.crt`, "utf8"),
      lookup: (_host, _options, done) => done(null, [{ address: "127.0.0.1", family: 4 }]),
    },
  });
  const proxied: BehindNginx = {
    origin: `https://${NAME}:${port}`,
    direct,
    fetch: (to, init = {}) => undiciFetch(to, { ...init, dispatcher, redirect: "manual" }),
    async close() {
      nginx.kill();
      await isOver;
      await dispatcher.close();
    },
  };
  const isUp = () =>
    proxied.fetch(`${proxied.origin}/healthz`).then(
      async (reply) => {
        await reply.body?.cancel();
        return reply.status;
      },
      () => 0,
    );
  await expect.poll(isUp, PATIENTLY).toBe(200);
  return proxied;
}

/** The configuration that the page shows, with this test's ports and certificate. */
async function configuration(bench: Bench, port: number, upstream: string): Promise<string> {
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
