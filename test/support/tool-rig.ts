import type { CallToolResult } from "@modelcontextprotocol/server";
import { onTestFinished } from "vitest";
import { type Clock, systemClock } from "../../src/core/clock.ts";
import { Lazy } from "../../src/core/lazy.ts";
import { LOCAL_CALLER } from "../../src/core/owner.ts";
import { createRedact } from "../../src/core/redact.ts";
import { HostedFolder } from "../../src/inputs/hosted-folder.ts";
import { JobEvents } from "../../src/jobs/events.ts";
import { openRuntime } from "../../src/runtime/open-runtime.ts";
import type { Runtime } from "../../src/runtime/runtime.ts";
import { readSettings } from "../../src/settings/settings.ts";
import { Connection } from "../../src/storage/sqlite/connection.ts";
import { SqliteJobStore } from "../../src/storage/sqlite/sqlite-job-store.ts";
import { createTools } from "../../src/tools/tool-list.ts";
import { OWNER } from "./rig.ts";
import { tempDir } from "./temp-dir.ts";
import { silentLog } from "./tool-deps.ts";

const KEY = "key-0123456789";

export interface ToolRig {
  runtime: Runtime;
  /** The same jobs, as another process has them. */
  store: SqliteJobStore;
  connection: Connection;
  call(name: string, args: Record<string, unknown>): Promise<CallToolResult>;
}

/** Midday: what days are asked for must not depend on when the tests run. */
export const MIDDAY = Date.parse("2026-11-20T12:00:00Z");
/** A clock on which it is midday all the time, and on which time passes all the same. */
export const middayClock: Clock = { ...systemClock, now: () => MIDDAY };

/** All tools as a server has them, on a chat platform of the test's choice. */
export async function openToolRig(origin: string, clock: Clock = systemClock): Promise<ToolRig> {
  const folder = await tempDir();
  const settings = readSettings({
    env: {
      HOME: "/home/nobody",
      LONGCAT_API_KEY: KEY,
      LONGCAT_BASE_URL: origin,
      LONGCAT_MCP_DATA_DIR: `${folder}/data`,
      LONGCAT_MCP_OUTPUT_DIR: `${folder}/out`,
    },
    flags: {},
    platform: "linux",
    workingDir: folder,
    readFile: () => "",
  });
  const redact = createRedact([KEY]);
  const common = { settings, clock, log: silentLog, redact, reached: () => {} };
  const runtime = await openRuntime({
    ...common,
    proxies: {},
    events: new JobEvents(),
    startSandbox: () => Promise.reject(new Error("no sandbox is wanted")),
    publicPlace: {
      folder: new HostedFolder(`${folder}/data/hosted`, "this-process"),
      isConfigured: false,
      open: () => Promise.reject(new Error("nothing is served")),
      listen: () => Promise.reject(new Error("nothing is served")),
      require: () => Promise.reject(new Error("nothing is served")),
    },
    patienceMs: 10_000,
    holder: "this-process",
    homeOwner: OWNER,
    isGone: () => false,
  });
  const connection = new Connection(settings.dataDir);
  const store = new SqliteJobStore(connection);
  onTestFinished(async () => {
    await store.close();
    await runtime.close();
  });
  const tools = createTools({ ...common, services: new Lazy(async () => runtime) });
  return {
    runtime,
    store,
    connection,
    async call(name, args) {
      const tool = tools.find((one) => one.name === name);
      if (!tool) throw new Error(`there is no tool ${name}`);
      return tool.call(args, {
        caller: LOCAL_CALLER,
        signal: new AbortController().signal,
        onDelivered: () => {},
        progress: () => {},
      });
    },
  };
}

/** The first text block of a result. */
export function textOf({ content }: CallToolResult): string {
  const [first] = content;
  return first?.type === "text" ? first.text : "";
}
