import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, onTestFinished } from "vitest";
import { parse } from "yaml";
import * as z from "zod";
import type { ChildTransport } from "../e2e/child-transport.ts";
import { type Bench, PATIENTLY, TEST_KEY } from "../e2e/harness.ts";
import { freePort } from "../support/free-port.ts";

/* What compose.scale.yaml starts, as processes of this machine in place of containers. */

const composeSchema = z.looseObject({
  services: z.looseObject({
    "longcat-1": z.looseObject({
      command: z.array(z.string()),
      environment: z.record(z.string(), z.string()),
      healthcheck: z.looseObject({ test: z.array(z.string()) }),
      networks: z.object({ default: z.object({ ipv4_address: z.string() }) }),
    }),
  }),
});

async function composed() {
  const file = parse(await readFile("compose.scale.yaml", "utf8"), { merge: true });
  return composeSchema.parse(file).services["longcat-1"];
}

/** A replica at a place that stays its own, whatever process is there. */
export interface Place {
  port: number;
  publicPort: number;
  program: ChildTransport | undefined;
}

/** Two places for replicas, with the settings that the compose file gives each. */
export class ComposeShape {
  readonly places: Place[] = [];
  /** Of the balancer: what clients call, and what is public. */
  readonly origin: string;
  readonly publicOrigin: string;
  readonly #bench: Bench;
  readonly #env: Record<string, string>;

  private constructor(bench: Bench, env: Record<string, string>, ports: [number, number]) {
    this.#bench = bench;
    this.origin = `http://localhost:${ports[0]}`;
    this.publicOrigin = `http://127.0.0.1:${ports[1]}`;
    this.#env = { ...env, LONGCAT_MCP_PUBLIC_URL: this.publicOrigin };
  }

  /** @param secrets what the files of the compose file's secrets hold. @param env in place of its own. */
  static async of(bench: Bench, secrets: Record<string, string>, env: Record<string, string>) {
    const folder = join(bench.folder, "secrets");
    await mkdir(folder);
    const files = { image_key: TEST_KEY, chat_key: TEST_KEY, ...secrets };
    for (const [name, text] of Object.entries(files)) await writeFile(join(folder, name), text);
    const { environment } = await composed();
    const set = Object.entries(environment).map(([name, value]) => {
      const [, byDefault] = /^\$\{\w+:-(.*)\}$/.exec(value) ?? [];
      return [name, (byDefault ?? value).replace("/run/secrets", folder)];
    });
    // The keys of the tests' own bench come from files here.
    const ownKeys = { PIXAZO_API_KEY: "", LONGCAT_API_KEY: "" };
    const all = { ...Object.fromEntries(set), ...ownKeys, ...env };
    const shape = new ComposeShape(bench, all, [await freePort(), await freePort()]);
    for (let n = 0; n < 2; n++) {
      shape.places.push({
        ...{ port: await freePort(), publicPort: await freePort(), program: undefined },
      });
    }
    return shape;
  }

  /** Runs a command as `docker compose run` does. */
  async command(...words: string[]): Promise<string> {
    const { code, said, stderr } = await this.#bench.run(words, this.#env);
    expect({ code, stderr: code === 0 ? "" : stderr }).toEqual({ code: 0, stderr: "" });
    return said;
  }

  /** Starts a replica, until it is healthy as the compose file has it. */
  async start(place: Place): Promise<void> {
    const { command, healthcheck } = await composed();
    const words = command.map((word) => (word === "0.0.0.0" ? "127.0.0.1" : word));
    place.program = this.#bench.launch([...words, "--port", `${place.port}`], {
      ...this.#env,
      LONGCAT_MCP_PUBLIC_PORT: `${place.publicPort}`,
      LONGCAT_MCP_METRICS_PORT: `${await freePort()}`,
    });
    const [, , ...args] = healthcheck.test.map((word) => word.replace("8787", `${place.port}`));
    const isHealthy = async () => {
      const child = spawn(process.execPath, args, { stdio: "ignore" });
      const [code] = await once(child, "exit");
      return code;
    };
    await expect.poll(isHealthy, PATIENTLY).toBe(0);
  }

  /** Starts nginx with the file that the compose file gives it, until the test ends. */
  async balance(): Promise<void> {
    let own = await readFile("compose.scale.nginx.conf", "utf8");
    const replaced: [string, string][] = [
      ["listen 8787", `listen 127.0.0.1:${new URL(this.origin).port}`],
      ["listen 8788", `listen 127.0.0.1:${new URL(this.publicOrigin).port}`],
      ...this.places.flatMap((place, n): [string, string][] => [
        [`172.28.0.1${n + 1}:8787`, `127.0.0.1:${place.port}`],
        [`172.28.0.1${n + 1}:8788`, `127.0.0.1:${place.publicPort}`],
      ]),
    ];
    for (const [there, here] of replaced) {
      expect(own).toContain(there);
      own = own.replaceAll(there, here);
    }
    const { folder } = this.#bench;
    const temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
      .map((kind) => `${kind}_temp_path ${folder}/nginx-${kind};`)
      .join(" ");
    const path = join(folder, "nginx.conf");
    await writeFile(
      path,
      `daemon off; pid ${folder}/nginx.pid; error_log stderr; events {}
http { access_log off; ${temporary}
${own}
}`,
    );
    const nginx = spawn("nginx", ["-e", "stderr", "-c", path], { stdio: "ignore" });
    const isOver = once(nginx, "exit");
    onTestFinished(async () => {
      nginx.kill();
      await isOver;
    });
    const isUp = () =>
      fetch(`${this.origin}/healthz`).then(
        ({ status }) => status,
        () => 0,
      );
    await expect.poll(isUp, PATIENTLY).toBe(200);
  }
}
