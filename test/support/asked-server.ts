import { realpath, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { PassThrough } from "node:stream";
import { onTestFinished } from "vitest";
import { systemClock } from "../../src/core/clock.ts";
import { Lazy } from "../../src/core/lazy.ts";
import { LOCAL_CALLER } from "../../src/core/owner.ts";
import { createRedact } from "../../src/core/redact.ts";
import { HostedFolder } from "../../src/inputs/hosted-folder.ts";
import { JobEvents } from "../../src/jobs/events.ts";
import { OpenedFolders } from "../../src/media/opened-folders.ts";
import { Questions } from "../../src/questions/user-questions.ts";
import { openRuntime } from "../../src/runtime/open-runtime.ts";
import type { Runtime } from "../../src/runtime/runtime.ts";
import { ServerFactory } from "../../src/server.ts";
import { readSettings } from "../../src/settings/settings.ts";
import { serveOnStdio } from "../../src/transports/stdio.ts";
import { FakeClock } from "./fake-clock.ts";
import { type Script, scriptedGateway } from "./gateway-script.ts";
import { openHttpServer } from "./http-server.ts";
import { picture } from "./pictures.ts";
import { tempDir } from "./temp-dir.ts";
import { silentLog } from "./tool-deps.ts";

const KEY = "key-0123456789";
export const QUESTION_MS = 300_000;

/**
 * A whole server on a provider of the test's choice, whose questions are timed by a clock that only
 * the test moves: what an answer is worth does not depend on how busy the machine is.
 */
export async function openAskedServer(script: Script, env: Record<string, string> = {}) {
  const gateway = await scriptedGateway(script);
  const folder = await tempDir();
  const outside = await realpath(await tempDir());
  await writeFile(join(outside, "cat.png"), await picture());
  const settings = readSettings({
    env: {
      ...{ HOME: "/home/nobody", PIXAZO_API_KEY: KEY, PIXAZO_BASE_URL: gateway.origin },
      LONGCAT_MCP_DATA_DIR: join(folder, "data"),
      LONGCAT_MCP_OUTPUT_DIR: join(folder, "out"),
      ...env,
    },
    flags: {},
    platform: "linux",
    workingDir: folder,
    readFile: () => "",
  });
  const clock = new FakeClock();
  const folders = new OpenedFolders(settings.dataDir, clock);
  const redact = createRedact([KEY]);
  const events = new JobEvents();
  const nothing = () => Promise.reject(new Error("nothing is served"));
  const services: Lazy<Runtime> = new Lazy(() =>
    openRuntime({
      ...{ settings, events, redact, clock: systemClock, log: silentLog, proxies: {} },
      startSandbox: nothing,
      reached: () => {},
      patienceMs: 1_000,
      publicPlace: {
        folder: new HostedFolder(join(folder, "data", "hosted"), "this-process"),
        ...{ isConfigured: false, open: nothing, listen: nothing, require: nothing },
      },
      opened: folders.withCall(() => questions.agreements.current),
      ...{ holder: "this-process", homeOwner: LOCAL_CALLER.owner, isGone: () => false },
    }),
  );
  const questions = new Questions({
    clock,
    waitMs: QUESTION_MS,
    keep: (key, chosen) => folders.keep(key, chosen),
    record: async () => (await services.get()).asked,
  });
  onTestFinished(async () => (await services.settled())?.close());
  const factory = new ServerFactory({
    ...{ services, settings, redact, questions, events, version: "1" },
    ...{ clock: systemClock, log: silentLog, reached: () => {} },
  });
  return {
    ...{ gateway, clock, folder, outside, services, events, factory },
    /** Where a client connects. */
    async way(transport: "stdio" | "http"): Promise<URL | PipedTransport> {
      if (transport === "stdio") return new PipedTransport(factory);
      const sessions = { most: 8 };
      const { origin } = await openHttpServer(undefined, { servers: factory, sessions, events });
      return new URL(`${origin}/mcp`);
    },
  };
}

/** A client's end of a conversation on stdio with a server in this process. */
export class PipedTransport {
  onmessage?: (message: never) => void;
  onclose?: () => void;
  onerror?: (error: Error) => void;
  readonly #toServer = new PassThrough();

  constructor(factory: ServerFactory) {
    const stdout = new PassThrough();
    serveOnStdio(factory, {
      ...{ stdin: this.#toServer, stdout, heard: [], clock: systemClock, log: silentLog },
      ...{ onFirstAnswer: () => {}, onEnd: () => this.onclose?.() },
      onError: (error) => this.onerror?.(error),
    });
    let rest = "";
    stdout.on("data", (chunk: Buffer) => {
      const lines = (rest + chunk.toString()).split("\n");
      rest = lines.pop() ?? "";
      for (const line of lines) this.onmessage?.(JSON.parse(line) as never);
    });
  }

  async start(): Promise<void> {}

  async send(message: unknown): Promise<void> {
    this.#toServer.write(`${JSON.stringify(message)}\n`);
  }

  async close(): Promise<void> {
    this.#toServer.end();
  }
}
