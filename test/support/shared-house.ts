import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { InMemoryTransport } from "@modelcontextprotocol/sdk/inMemory.js";
import type { Authenticator } from "../../src/access/authenticator.ts";
import { publicPlace } from "../../src/cli/public-place.ts";
import { startSandbox } from "../../src/cli/sandbox.ts";
import { systemClock } from "../../src/core/clock.ts";
import { Lazy } from "../../src/core/lazy.ts";
import { LOCAL_CALLER } from "../../src/core/owner.ts";
import { createRedact } from "../../src/core/redact.ts";
import { UPLOADS_PATH } from "../../src/inputs/uploads.ts";
import { JobEvents } from "../../src/jobs/events.ts";
import { DOWNLOADS_PATH } from "../../src/public/download-links.ts";
import { openRuntime } from "../../src/runtime/open-runtime.ts";
import type { Runtime } from "../../src/runtime/runtime.ts";
import { ServerFactory } from "../../src/server.ts";
import { readSettings } from "../../src/settings/settings.ts";
import { serveOnHttp } from "../../src/transports/http.ts";
import type { PublicRoute } from "../../src/transports/public-listener.ts";
import { RateLimits } from "../../src/transports/rate-limits.ts";
import { connectModern, connectOld } from "./http-callers.ts";
import { bearer, unwatched } from "./http-server.ts";
import type { AnyClient } from "./stranger.ts";
import { silentLog } from "./tool-deps.ts";

/** What the names of owners begin with who are somewhere else. */
export const FAR = "far-";

/** Every name is a token of its owner. */
const NAMES_AS_TOKENS: Authenticator = {
  isClosed: async () => true,
  verify: async (owner) => ({
    caller: { ...LOCAL_CALLER, owner, isRemote: owner.startsWith(FAR) },
    id: owner,
    endsAt: Number.POSITIVE_INFINITY,
    holds: async () => true,
  }),
  again: async () => undefined,
  noteRefusal: async () => {},
};

/** One program for several owners, with everything real, on the built-in provider. @param env more settings. */
export async function openSharedHouse(env: Record<string, string> = {}) {
  const folder = await mkdtemp(join(tmpdir(), "longcat-mcp-test-"));
  const settings = readSettings({
    env: {
      HOME: "/home/nobody",
      LONGCAT_MCP_SANDBOX: "1",
      LONGCAT_MCP_DATA_DIR: `${folder}/data`,
      LONGCAT_MCP_OUTPUT_DIR: `${folder}/out`,
      ...env,
    },
    flags: {},
    platform: "linux",
    workingDir: folder,
    readFile: () => "",
  });
  const redact = createRedact([]);
  const events = new JobEvents();
  const common = { settings, clock: systemClock, log: silentLog, redact, events };
  const reached = () => {};
  const downloads: PublicRoute = {
    prefix: DOWNLOADS_PATH,
    answer: (...asked) => runtime.downloads.answer(...asked),
  };
  const uploading: PublicRoute = {
    ...{ prefix: UPLOADS_PATH, methods: ["GET", "HEAD", "PUT"], takesBody: true },
    answer: (...asked) => runtime.uploading.answer(...asked),
  };
  const place = publicPlace(
    ...([settings, "this-process", undefined, [downloads, uploading], silentLog] as const),
  );
  const runtime: Runtime = await openRuntime({
    ...common,
    reached,
    proxies: {},
    startSandbox: () => startSandbox(1_000),
    publicPlace: place,
    patienceMs: 10_000,
    holder: "this-process",
    homeOwner: "local",
    isGone: () => false,
  });
  const services = new Lazy(async () => runtime);
  await services.get();
  const factory = new ServerFactory({ ...common, reached, version: "1", services });
  const serving = await serveOnHttp(factory, {
    ...{ host: "127.0.0.1", port: 0, version: "1", events, clock: systemClock },
    onError: () => {},
    ...{ log: silentLog, readiness: async () => [], traffic: unwatched() },
    limits: new RateLimits({ clock: systemClock, ...settings.userLimits }),
    access: { authenticator: NAMES_AS_TOKENS },
  });

  const clients: AnyClient[] = [];
  const kept = <C extends AnyClient>(client: C): C => {
    clients.push(client);
    return client;
  };
  const url = () => new URL(serving.url);
  return {
    url: serving.url,
    factory,
    dataDir: settings.dataDir,
    folder,
    runtime,
    /** A connection that lasts, as on stdio: events are pushed through it. */
    async lasting(owner: string): Promise<Client> {
      const client = kept(new Client({ name: "lasting", version: "1" }));
      const server = factory.create({
        ...{
          caller: { ...LOCAL_CALLER, owner },
          era: "legacy",
          lasting: true,
          onDelivered: () => {},
        },
      });
      const [ours, theirs] = InMemoryTransport.createLinkedPair();
      await Promise.all([server.connect(theirs), client.connect(ours)]);
      return client;
    },
    /** Over HTTP, as hosts of today speak. */
    old: async (owner: string) => kept(await connectOld(url(), bearer(owner))),
    /** Over HTTP, in the revision of 2026-07-28. */
    modern: async (owner: string) => kept(await connectModern(url(), bearer(owner))),
    async close() {
      for (const client of clients) await client.close();
      await serving.close();
      await runtime.close();
      await place.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
