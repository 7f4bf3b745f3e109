import { join } from "node:path";
import postgres from "postgres";
import { onTestFinished } from "vitest";
import { type Clock, systemClock } from "../../src/core/clock.ts";
import { Lazy } from "../../src/core/lazy.ts";
import { LOCAL_CALLER } from "../../src/core/owner.ts";
import { createRedact } from "../../src/core/redact.ts";
import { HostedFolder } from "../../src/inputs/hosted-folder.ts";
import { JobEvents } from "../../src/jobs/events.ts";
import { openRuntime } from "../../src/runtime/open-runtime.ts";
import type { Runtime } from "../../src/runtime/runtime.ts";
import { type Sandbox, startSandbox } from "../../src/sandbox/sandbox-server.ts";
import { readSettings } from "../../src/settings/settings.ts";
import { createTools } from "../../src/tools/tool-list.ts";
import { RememberedPaintings } from "../support/remembered-paintings.ts";
import { tempDir } from "../support/temp-dir.ts";
import { silentLog } from "../support/tool-deps.ts";
import { textOf } from "../support/tool-rig.ts";
import { freshDatabase } from "./fresh-database.ts";
import { StrikingProxy } from "./striking-proxy.ts";

const KEY = "key-0123456789";
export const PICTURE = "z_image_turbo_generate";
export const PRICE_USD = 0.01;
/** What is shorter than any deadline comes so much sooner: nobody waits for the next look. */
const SOONER = 10;
const SHORT_MS = 8_000;
const busy: Clock = {
  ...systemClock,
  schedule: (ms, run) => systemClock.schedule(ms < SHORT_MS ? ms / SOONER : ms, run),
};
/** As much sooner whoever shows no life is taken for gone: in a second. */
const hasty: Clock = { ...busy, elapsed: () => systemClock.elapsed() * SOONER };

/** A whole replica in this process, but for its transport, whose database is behind a proxy. */
export interface StruckReplica {
  runtime: Runtime;
  proxy: StrikingProxy;
  /** What a tool answers. @throws where it refuses. */
  call(tool: string, args: Record<string, unknown>): Promise<string>;
  /** Ends it orderly; its proxy stays. */
  end(): Promise<void>;
}

/** One provider, one database, and the replicas that a test opens on them. */
export class StruckHouse {
  readonly sandbox: Sandbox;
  readonly url: string;
  readonly sql: postgres.Sql;
  readonly #folder: string;
  #count = 0;

  private constructor(sandbox: Sandbox, url: string, folder: string) {
    this.sandbox = sandbox;
    this.url = url;
    this.#folder = folder;
    this.sql = postgres(url, {
      max: 2,
      onnotice: () => {},
      connection: { search_path: "longcat_mcp" },
    });
  }

  static async open(): Promise<StruckHouse> {
    const painter = new RememberedPaintings();
    const sandbox = await startSandbox({
      speed: 1_000,
      apiKey: KEY,
      painter,
      keepRequests: 100_000,
    });
    const house = new StruckHouse(sandbox, await freshDatabase(), await tempDir());
    onTestFinished(async () => {
      await house.sql.end({ timeout: 0 });
      await sandbox.close();
    });
    return house;
  }

  /** @param isHasty it takes others for gone after a second, however much this machine has to do. */
  async replica(role: string, isHasty: boolean): Promise<StruckReplica> {
    const clock = isHasty ? hasty : busy;
    const proxy = await StrikingProxy.to(this.url);
    const name = `${role}-${this.#count++}`;
    const folder = join(this.#folder, name);
    const { origin } = this.sandbox;
    const settings = readSettings({
      env: {
        HOME: "/home/nobody",
        PIXAZO_API_KEY: KEY,
        PIXAZO_BASE_URL: origin,
        PIXAZO_LEGACY_BASE_URL: origin,
        LONGCAT_API_KEY: KEY,
        LONGCAT_BASE_URL: origin,
        LONGCAT_MCP_DATABASE_URL: proxy.url,
        LONGCAT_MCP_DATA_DIR: join(folder, "data"),
        LONGCAT_MCP_OUTPUT_DIR: join(this.#folder, "out"),
        LONGCAT_MCP_POLL_FLOOR_MS: "10",
        LONGCAT_MCP_PRICES: JSON.stringify({ [PICTURE]: PRICE_USD }),
        LONGCAT_MCP_BUDGET_USD_PER_DAY: "1000",
      },
      flags: {},
      platform: "linux",
      workingDir: this.#folder,
      readFile: () => "",
    });
    const redact = createRedact([KEY]);
    const common = { settings, clock, log: silentLog, redact, reached: () => {} };
    const nothing = () => Promise.reject(new Error("nothing is served"));
    const runtime = await openRuntime({
      ...common,
      proxies: {},
      events: new JobEvents(),
      startSandbox: nothing,
      publicPlace: {
        folder: new HostedFolder(join(folder, "hosted"), name),
        ...{ isConfigured: false, open: nothing, listen: nothing, require: nothing },
      },
      patienceMs: 10_000,
      holder: name,
      homeOwner: LOCAL_CALLER.owner,
      isGone: () => false,
    });
    const tools = createTools({ ...common, services: new Lazy(async () => runtime) });
    let isOpen = true;
    const end = async () => {
      if (!isOpen) return;
      isOpen = false;
      await runtime.close().catch(() => undefined);
    };
    onTestFinished(async () => {
      await end();
      await proxy.close();
    });
    return {
      runtime,
      proxy,
      end,
      async call(name, args) {
        const tool = tools.find((one) => one.name === name);
        const answer = await tool?.call(args, {
          caller: LOCAL_CALLER,
          signal: new AbortController().signal,
          onDelivered: () => {},
          progress: () => {},
        });
        if (!answer || answer.isError) throw new Error(answer ? textOf(answer) : name);
        return textOf(answer);
      },
    };
  }
}
