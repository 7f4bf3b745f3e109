import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { describe, expect, test } from "vitest";
import { parse } from "yaml";
import * as z from "zod";
import { readCommandLine } from "../../src/cli/command-line.ts";
import { readUserOrder } from "../../src/cli/user-options.ts";
import { SETTINGS } from "../../src/settings/specs.ts";
import { databaseAddress } from "../../src/storage/postgres/database-address.ts";

const read = (name: string) =>
  readFileSync(join(resolve(import.meta.dirname, "../.."), name), "utf8");
const text = read("compose.scale.yaml");
const NGINX = "compose.scale.nginx.conf";

const networks = z.object({ default: z.object({ ipv4_address: z.string() }) });
const replica = z.looseObject({
  networks,
  volumes: z.tuple([z.literal("uploads:/data")]),
  command: z.array(z.string()),
  environment: z.record(z.string(), z.string()),
  secrets: z.array(z.string()),
  read_only: z.literal(true),
  tmpfs: z.array(z.string()),
  cap_drop: z.tuple([z.literal("ALL")]),
  security_opt: z.tuple([z.literal("no-new-privileges:true")]),
  stop_grace_period: z.string().regex(/^\d+s$/),
  healthcheck: z.looseObject({ test: z.array(z.string()) }),
  depends_on: z.array(z.string()),
});
const balancer = z.looseObject({
  ...{ networks, ports: z.array(z.string()), volumes: z.array(z.string()) },
});
const kept = z.looseObject({
  environment: z.record(z.string(), z.string()),
  volumes: z.array(z.string()),
});
const file = z
  .looseObject({
    services: z.looseObject({
      "longcat-1": replica,
      "longcat-2": replica,
      balancer,
      postgres: kept.extend({ secrets: z.array(z.string()) }),
      s3: kept.extend({ entrypoint: z.array(z.string()) }),
    }),
    secrets: z.record(z.string(), z.looseObject({ file: z.string() })),
    volumes: z.record(z.string(), z.unknown()),
  })
  .parse(parse(text, { merge: true }));
const { services } = file;
const replicas = [services["longcat-1"], services["longcat-2"]] as const;
const [{ environment }] = replicas;

describe("the compose file for several machines", () => {
  test("has replicas that are the same but for their address, and keep uploads together", () => {
    const [one, other] = replicas;
    expect({ ...one, networks: other.networks }).toEqual(other);
    expect(one.networks).not.toEqual(other.networks);
    for (const { tmpfs, depends_on, ...rest } of replicas) {
      expect(rest).not.toHaveProperty("ports");
      expect(tmpfs).toEqual(["/tmp"]);
      expect(depends_on).toEqual(["postgres", "s3"]);
    }
  });

  test("starts the program with words that it knows", () => {
    for (const { command } of replicas) {
      expect(readCommandLine(command)).toMatchObject({ kind: "run", command: "http" });
    }
    const [, words = ""] = /run --rm longcat-1 (.+)$/m.exec(text) ?? [];
    expect(readUserOrder(words.toLowerCase().split(" ").slice(1), {})).toMatchObject({
      action: "add",
    });
  });

  test("sets what there is, and waits for longer than a drain takes", () => {
    const known: string[] = Object.values(SETTINGS).flatMap(({ env }) => [env, `${env}_FILE`]);
    // Read as other programs read them, beside the settings.
    const others = ["LONGCAT_MCP_MEDIA_URL", "LONGCAT_MCP_ALLOWED_HOSTS"];
    const credentials = /^AWS_(?:ACCESS_KEY_ID|SECRET_ACCESS_KEY)_FILE$/;
    for (const name of Object.keys(environment)) {
      expect([...known, ...others].includes(name) || credentials.test(name), name).toBe(true);
    }
    const drain = Number(environment["LONGCAT_MCP_DRAIN_SECONDS"]);
    expect(Number.parseInt(replicas[0].stop_grace_period, 10)).toBeGreaterThan(drain + 2);
  });

  test("has the secrets in files, each of which somebody is given and the head tells of", () => {
    const used = [...replicas, services.postgres].flatMap(({ secrets }) => secrets);
    expect(new Set(used)).toEqual(new Set(Object.keys(file.secrets)));
    const [head = ""] = text.split("x-replica");
    for (const [name, { file: path }] of Object.entries(file.secrets)) {
      expect(path).toBe(`./secrets/${name}`);
      expect(head).toContain(`secrets/${name}`);
    }
    for (const [name, value] of Object.entries(environment)) {
      if (/KEY|DATABASE/.test(name)) expect(value).toMatch(/^\/run\/secrets\/\w+$/);
    }
    expect(services.s3.environment["ROOT_SECRET_KEY"]).toMatch(/^\$\{S3_KEY:\?/);
  });

  test("names a database and a bucket that are there", () => {
    const [, url = ""] = /^#\s+secrets\/database_url\s+(\S+)$/m.exec(text) ?? [];
    const { user, database, host, ssl } = databaseAddress(url);
    const { POSTGRES_USER, POSTGRES_DB } = services.postgres.environment;
    expect({ user, database, ssl }).toEqual({
      ...{ user: POSTGRES_USER, database: POSTGRES_DB, ssl: false },
    });
    expect(Object.keys(services)).toContain(host);
    const [, media = ""] = /:-(s3:.*)\}$/.exec(environment["LONGCAT_MCP_MEDIA_URL"] ?? "") ?? [];
    const { hostname, searchParams } = new URL(media);
    const endpoint = new URL(searchParams.get("endpoint") ?? "");
    expect(Object.keys(services)).toContain(endpoint.hostname);
    expect(services.s3.entrypoint.join(" ")).toContain(`/data/${hostname} `);
    expect(services.s3.entrypoint.join(" ")).toContain(`--port :${endpoint.port} `);
  });

  test("keeps the record, files and uploads in volumes, and nothing else", () => {
    const volumes = [services.postgres, services.s3, replicas[0]].flatMap((one) => one.volumes);
    expect(volumes.map((one) => one.split(":")[0]).sort()).toEqual(
      Object.keys(file.volumes).sort(),
    );
  });

  test("puts a balancer before all replicas on each port, open to this machine only", () => {
    const { balancer: front } = services;
    expect(front.volumes).toEqual([`./${NGINX}:/etc/nginx/conf.d/default.conf:ro`]);
    expect(front.ports).toEqual(["127.0.0.1:8787:8787", "127.0.0.1:8788:8788"]);
    const nginx = read(NGINX);
    const to = [...nginx.matchAll(/server (\S+):(\d+) max_fails=0;/g)].map(([, ip, port]) => [
      ...[ip, port],
    ]);
    const addresses = replicas.map((one) => one.networks.default.ipv4_address);
    for (const [address, port] of to) {
      expect(addresses).toContain(address);
      expect(["8787", "8788"]).toContain(port);
    }
    // For calls and the gallery, and for what is public; nobody need stay with one.
    expect(to).toHaveLength(2 * addresses.length);
    expect(nginx).not.toContain("ip_hash");
    expect(environment["LONGCAT_MCP_TRUSTED_PROXIES"]).toBe(front.networks.default.ipv4_address);
  });

  test("is told of in the page that shows the balancer's file", () => {
    expect(read("docs/scale.md")).toContain(`\`\`\`nginx\n${read(NGINX)}\`\`\`\n`);
  });
});
