import { McpServer } from "@modelcontextprotocol/server";
import { systemClock } from "../../src/core/clock.ts";
import { JobEvents } from "../../src/jobs/events.ts";
import type { Connection, HttpServers } from "../../src/server.ts";
import { TaskServer } from "../../src/tasks/task-server.ts";
import { type HttpServing, serveOnHttp } from "../../src/transports/http.ts";
import { RateLimits } from "../../src/transports/rate-limits.ts";
import { unwatched } from "../support/http-server.ts";
import { silentLog } from "../support/tool-deps.ts";
import { registerAsking } from "./fixtures/asking.ts";
import { registerContent } from "./fixtures/content.ts";
import { registerInputRequired, STATES } from "./fixtures/input-required.ts";
import { registerPrompts, registerResources } from "./fixtures/reading.ts";
import { registerSchemas } from "./fixtures/schemas.ts";
import { registerTaskTools, TASKS } from "./fixtures/tasks.ts";

/** What the suites expect of a server, a room each; another room is another line. */
const FIXTURES: readonly ((server: McpServer, connection: Connection) => void)[] = [
  registerContent,
  registerSchemas,
  registerResources,
  registerPrompts,
  registerAsking,
  registerInputRequired,
  registerTaskTools,
];

/** Servers with the suites' own tools in place of this program's. */
const fixtureServers: HttpServers = {
  markOf: () => () => undefined,
  lackingScope: () => undefined,
  async createFor(connection) {
    const hears = connection.lasting || connection.era === "modern";
    const info = { name: "longcat-mcp-conformance", version: "1.0.0" };
    const options = {
      capabilities: {
        tools: { listChanged: false },
        prompts: { listChanged: false },
        resources: { subscribe: hears, listChanged: hears },
        completions: {},
        logging: {},
      },
      requestState: { verify: STATES.verify },
    };
    const server =
      connection.era === "modern"
        ? new TaskServer(info, options, TASKS)
        : new McpServer(info, options);
    for (const register of FIXTURES) register(server, connection);
    if (connection.lasting) {
      server.server.setRequestHandler("resources/subscribe", () => ({}));
      server.server.setRequestHandler("resources/unsubscribe", () => ({}));
    }
    return server;
  },
};

/** The program's own HTTP server, with sessions, on a free port of loopback. */
export function serveFixtures(onError: (error: Error) => void): Promise<HttpServing> {
  return serveOnHttp(fixtureServers, {
    ...{ host: "127.0.0.1", port: 0, version: "1.0.0", events: new JobEvents() },
    ...{ clock: systemClock, log: silentLog, traffic: unwatched(), readiness: async () => [] },
    limits: new RateLimits({
      ...{ clock: systemClock, requestsPerMinute: undefined, streams: 1_000, bodyBytes: 1e9 },
    }),
    sessions: { most: 1_000 },
    onError,
  });
}
