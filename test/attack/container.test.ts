import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readFileSync } from "node:fs";
import { cp, mkdir, readdir, symlink, writeFile } from "node:fs/promises";
import { createServer, request } from "node:http";
import { join, resolve } from "node:path";
import { text as textOf } from "node:stream/consumers";
import { describe, expect, onTestFinished, test } from "vitest";
import { parse } from "yaml";
import * as z from "zod";
import { SETTINGS } from "../../src/settings/specs.ts";
import { inRanges } from "../../src/transports/http/in-front.ts";
import { freePort } from "../support/free-port.ts";
import { tempDir } from "../support/temp-dir.ts";

const ROOT = resolve(import.meta.dirname, "../..");
const read = (path: string) => readFileSync(join(ROOT, path), "utf8");

interface Instruction {
  name: string;
  rest: string;
  words: string[];
}

/** The stages of the Dockerfile, in order. */
function stages(): Instruction[][] {
  const all: Instruction[][] = [];
  const lines = read("Dockerfile")
    .replaceAll(/^#.*\n/gm, "")
    .replaceAll("\\\n", " ")
    .split("\n")
    .filter((line) => line.trim() !== "");
  for (const line of lines) {
    const [, name = "", rest = ""] = /^([A-Z]+)\s+(.+)$/.exec(line) ?? [];
    expect(name, line).not.toBe("");
    if (name === "FROM") all.push([]);
    all.at(-1)?.push({ name, rest, words: rest.trim().split(/\s+/) });
  }
  return all;
}

const [build = [], final = []] = stages();
const only = (stage: Instruction[], name: string) => stage.filter((one) => one.name === name);
/** What is copied into the build stage from here. */
const sources = only(build, "COPY").flatMap(({ words }) => words.slice(0, -1));

/** A HEALTHCHECK's own words, run against a port of the test's. */
async function health(words: string[], port: number): Promise<number | null> {
  const [command = "", ...args] = words.map((word) => word.replace("8787", String(port)));
  expect(command).toBe("node");
  const child = spawn(process.execPath, args, { stdio: "ignore" });
  const [code] = await once(child, "exit");
  return code;
}

async function answering(status: number): Promise<number> {
  const server = createServer((_, response) => response.writeHead(status).end());
  onTestFinished(() => void server.close());
  const port = await freePort();
  await new Promise<void>((listening) => server.listen(port, "127.0.0.1", listening));
  return port;
}

async function expectHealthCheck(words: string[]): Promise<void> {
  expect(words.join(" ")).not.toMatch(/curl|wget/);
  expect(await health(words, await answering(200))).toBe(0);
  expect(await health(words, await answering(503))).toBe(1);
  expect(await health(words, await freePort())).toBe(1);
}

describe("the Dockerfile", () => {
  test("copies what is there, and what it leaves out of the build is not missed", async () => {
    const ignored = read(".dockerignore").trim().split("\n");
    expect(ignored[0]).toBe("*");
    for (const source of sources) {
      expect(existsSync(join(ROOT, source)), source).toBe(true);
      expect(ignored, source).toContain(`!${source}`);
    }
    const there = await tempDir();
    for (const source of sources) {
      await cp(join(ROOT, source), join(there, source), { recursive: true });
    }
    await symlink(join(ROOT, "node_modules"), join(there, "node_modules"));
    execFileSync(process.execPath, ["scripts/build.mjs"], { cwd: there, stdio: "pipe" });
    const version = execFileSync(process.execPath, [join(there, "dist/cli.js"), "--version"]);
    expect(String(version).trim()).toBe(JSON.parse(read("package.json")).version);
    // What the image takes from there.
    for (const { words } of only(final, "COPY")) {
      expect(words[0]).toBe("--from=build");
      for (const path of words.slice(1, -1)) {
        expect(path).toMatch(/^\/build\//);
        expect(existsSync(join(there, path.slice("/build/".length))), path).toBe(true);
      }
    }
  });

  test("runs what was built, as nobody in particular, and writes to one place", () => {
    const user = only(final, "USER").at(-1)?.rest;
    expect(user).toBe("node");
    expect(only(final, "VOLUME")[0]?.rest).toBe("/data");
    expect(only(final, "ENTRYPOINT")[0]?.rest).toBe('["node", "/app/dist/cli.js"]');
    const env = only(final, "ENV")
      .map(({ rest }) => rest)
      .join(" ");
    for (const name of env.match(/LONGCAT_\w+/g) ?? []) {
      expect(Object.values(SETTINGS).map((one) => one.env as string)).toContain(name);
    }
    expect(env).toMatch(/DATA_DIR=\/data\/.*OUTPUT_DIR=\/data\//);
    // Keys come when it runs.
    expect(read("Dockerfile")).not.toMatch(/API_KEY/);
  });

  test("asks whether the server lives with what is in the image", async () => {
    const [check] = only(final, "HEALTHCHECK");
    const words = /CMD (\[.*\])$/.exec(check?.rest ?? "")?.[1] ?? "[]";
    await expectHealthCheck(z.array(z.string()).parse(JSON.parse(words)));
  });
});

const service = z.looseObject({
  command: z.array(z.string()),
  ports: z.array(z.string()),
  environment: z.record(z.string(), z.string()),
  secrets: z.array(z.string()),
  volumes: z.array(z.string()),
  read_only: z.literal(true),
  tmpfs: z.tuple([z.literal("/tmp")]),
  cap_drop: z.tuple([z.literal("ALL")]),
  security_opt: z.tuple([z.literal("no-new-privileges:true")]),
  stop_grace_period: z.string().regex(/^\d+s$/),
  healthcheck: z.looseObject({ test: z.array(z.string()) }),
});
const compose = z
  .looseObject({
    services: z.looseObject({
      "longcat-mcp": service,
      prometheus: z.looseObject({ network_mode: z.string(), volumes: z.array(z.string()) }),
    }),
    secrets: z.record(z.string(), z.looseObject({ file: z.string() })),
    volumes: z.record(z.string(), z.unknown()),
  })
  .parse(parse(read("compose.yaml")));
const server = compose.services["longcat-mcp"];

describe("the compose file", () => {
  test("keeps what is written in a volume, and all else read-only", () => {
    expect(server.volumes).toEqual(["data:/data"]);
    expect(Object.keys(compose.volumes)).toEqual(["data"]);
    expect(server.ports).toEqual(["127.0.0.1:8787:8787", "127.0.0.1:8788:8788"]);
    expect(Object.keys(compose.secrets).sort()).toEqual([...server.secrets].sort());
  });

  test("sets what there is, and waits for longer than a drain takes", () => {
    const known: string[] = Object.values(SETTINGS).flatMap(({ env }) => [env, `${env}_FILE`]);
    const later = ["LONGCAT_MCP_ALLOWED_HOSTS"];
    for (const name of Object.keys(server.environment)) {
      expect([...known, ...later]).toContain(name);
    }
    const drain = Number(server.environment["LONGCAT_MCP_DRAIN_SECONDS"]);
    expect(Number.parseInt(server.stop_grace_period, 10)).toBeGreaterThan(drain + 2);
  });

  test("asks whether the server can work with what is in the image", async () => {
    const [kind, ...words] = server.healthcheck.test;
    expect(kind).toBe("CMD");
    await expectHealthCheck(words);
  });

  test("gives Prometheus files that are there, and the server's network, where its metrics are", () => {
    const { network_mode, volumes } = compose.services.prometheus;
    expect(network_mode).toBe("service:longcat-mcp");
    for (const volume of volumes)
      expect(existsSync(join(ROOT, volume.split(":")[0] ?? ""))).toBe(true);
    const port = server.environment["LONGCAT_MCP_METRICS_PORT"];
    expect(read("docs/monitoring/prometheus.yml")).toContain(`"127.0.0.1:${port}"`);
  });
});

/** The program with exactly what the compose file and the image set, and nothing else of ours. */
async function asComposed(more: Record<string, string>) {
  const there = await tempDir();
  const image = only(final, "ENV").flatMap(({ words }) => words);
  const given = [
    ...image.map((one) => one.split("=") as [string, string]),
    ...Object.entries(server.environment),
  ].map(([name, value]) => {
    const [, variable = "", byDefault = ""] = /^\$\{(\w+):-(.*)\}$/.exec(value) ?? [];
    const set = variable === "" ? value : (more[variable] ?? byDefault);
    const placed = set
      .replace(/^\/data\//, `${there}/data/`)
      .replace(/^\/run\/secrets\//, `${there}/`);
    // Whoever tests has other ports in use.
    return [name, name === "LONGCAT_MCP_METRICS_PORT" ? "0" : placed];
  });
  await mkdir(join(there, "data"));
  await mkdir(join(there, "app"));
  for (const name of server.secrets) await writeFile(join(there, name), "key-0123456789\n");
  const env = Object.fromEntries(given) as Record<string, string>;
  const metrics = await freePort();
  if ("LONGCAT_MCP_METRICS_PORT" in env) env["LONGCAT_MCP_METRICS_PORT"] = String(metrics);
  const start = (args: string[]) => {
    const child = spawn(process.execPath, [join(ROOT, "dist/cli.js"), ...args], {
      cwd: join(there, "app"),
      env: { ...env, HOME: "/nonexistent", PATH: process.env["PATH"] ?? "" },
    });
    onTestFinished(() => void child.kill("SIGKILL"));
    return child;
  };
  const say = async (...args: string[]) => {
    const child = start(args);
    const [text] = await Promise.all([textOf(child.stdout), once(child, "exit")]);
    return text.trim();
  };
  return { there, start, say };
}

describe("the program, with what the compose file gives it", () => {
  test("starts with users only, is ready, serves who comes by its proxy, and writes to one place", async () => {
    const name = "mcp.example.com";
    // The proxy of this test is on loopback.
    const { there, start, say } = await asComposed({
      LONGCAT_MCP_ALLOWED_HOSTS: name,
      LONGCAT_MCP_TRUSTED_PROXIES: "127.0.0.1",
      LONGCAT_MCP_PUBLIC_URL: "https://files.example.com",
    });
    const port = String(await freePort());
    const command = [...server.command, "--port", port];
    const early = start(command);
    const [code] = await once(early, "exit");
    expect(code).toBe(2);
    const token = await say("users", "add", "ana");
    const running = start(command);
    let said = "";
    await new Promise<void>((listening) => {
      running.stderr.on("data", (chunk) => {
        said += String(chunk);
        if (said.includes("listens on")) listening();
      });
    });
    // What is published as the second port.
    expect(said).toContain(`are at http://127.0.0.1:${Number(port) + 1}: `);
    const [, ...words] = server.healthcheck.test;
    expect(await health(words, Number(port))).toBe(0);
    const send = (host: string, more: Record<string, string>) =>
      new Promise<number | undefined>((answered, reject) => {
        const headers = { "content-type": "application/json", host, ...more };
        const options = { host: "127.0.0.1", port, path: "/mcp", method: "POST", headers };
        const asked = request(options, (reply) => {
          reply.resume().once("end", () => answered(reply.statusCode));
        });
        asked.once("error", reject).end('{"jsonrpc":"2.0","id":1,"method":"ping"}');
      });
    const accept = "application/json, text/event-stream";
    const ana = { authorization: `Bearer ${token}`, accept };
    const passedOn = { ...ana, "x-forwarded-for": "192.0.2.7" };
    expect(await send(name, passedOn)).toBe(200);
    expect(await send(name, { accept })).toBe(401);
    expect(await send("evil.example", ana)).toBe(403);
    running.kill("SIGTERM");
    const [end] = await once(running, "exit");
    expect(end).toBe(0);
    expect(await readdir(join(there, "app"))).toEqual([]);
    expect((await readdir(there)).sort()).toEqual(["app", "data", ...server.secrets].sort());
    expect(existsSync("/nonexistent")).toBe(false);
  });

  test("refuses what a proxy passes on that the compose file does not name", async () => {
    const trusted = /:-(.*)\}$/.exec(server.environment["LONGCAT_MCP_TRUSTED_PROXIES"] ?? "")?.[1];
    const isProxy = inRanges((trusted ?? "").split(","));
    // The gateways of Docker's own networks, and nobody else.
    expect(["172.17.0.1", "172.18.0.1", "172.31.0.1"].map(isProxy)).toEqual([true, true, true]);
    expect(["127.0.0.1", "10.0.0.1", "172.32.0.1", "192.0.2.7"].map(isProxy)).not.toContain(true);
  });
});
