import {
  CLIENT_CAPABILITIES_META_KEY,
  type InputRequiredResult,
  type McpRequestContext,
  type McpServer,
  type RequestId,
  type ServerCapabilities,
  type ServerContext,
  type StandardSchemaWithJSON,
} from "@modelcontextprotocol/server";
import { firstOf } from "./core/aborting.ts";
import type { Caller, Scope } from "./core/caller.ts";
import { AppError } from "./core/errors.ts";
import { fieldsOf } from "./core/json-fields.ts";
import { Lazy } from "./core/lazy.ts";
import { seldom } from "./core/seldom.ts";
import { givenArguments } from "./core/whole-arguments.ts";
import type { JobEvents } from "./jobs/events.ts";
import { registerPrompts } from "./prompts/register-prompts.ts";
import { wayOf } from "./questions/client-way.ts";
import { LegacyServer } from "./resources/missing-code.ts";
import { registerResources } from "./resources/register-resources.ts";
import { onResourceEvents } from "./resources/resource-events.ts";
import {
  handleSubscriptions,
  ownSubscriptions,
  type Subscriptions,
} from "./resources/subscriptions.ts";
import type { TaskSource } from "./tasks/task.ts";
import { TaskServer, takesTasks } from "./tasks/task-server.ts";
import { progressOf } from "./tools/call-progress.ts";
import { iconsOf, PROGRAM_ICONS } from "./tools/icons.ts";
import { INSTRUCTIONS, INSTRUCTIONS_ELSEWHERE } from "./tools/instructions.ts";
import { listElsewhere, listTools } from "./tools/listing.ts";
import { lackingScope, mayCall, maySay } from "./tools/scopes.ts";
import { SeenResults } from "./tools/seen-results.ts";
import type { ToolDeps } from "./tools/services.ts";
import type { Tool } from "./tools/tool.ts";
import type { ListedTool } from "./tools/tools.prepared.ts";

export { onResourceEvents, type Subscriptions };

/** MCP Apps. */
const PAGES_EXTENSION = "io.modelcontextprotocol/ui";

export interface ServerDeps extends ToolDeps {
  version: string;
  events: JobEvents;
}

/** What one connection or request is served with. */
export interface Connection {
  /** Who calls: nobody else's things are seen, changed or heard of through it. */
  caller: Caller;
  era: McpRequestContext["era"];
  /**
   * Whether the connection outlives a request, so that events can be pushed through it. Over
   * stateless HTTP they are published elsewhere.
   */
  lasting: boolean;
  /** What its client wants to hear of, where that outlives the connection. */
  subscriptions?: Subscriptions;
  /** Runs something once the answer to a request has been written; never, if it is not. */
  onDelivered: (requestId: RequestId, run: () => void) => void;
  /** Aborts when the client asks for nothing more: it is answered, and nothing is waited for. */
  leaving?: AbortSignal;
}

/** What HTTP asks of whoever makes its servers. */
export type HttpServers = Pick<ServerFactory, "createFor" | "markOf" | "lackingScope">;

const LIST_CHANGES_APART_MS = 1_000;

/** What is asked by these is the same as long as the program runs. */
const CONSTANT: ReadonlySet<string> = new Set([
  "ping",
  "tools/list",
  "prompts/list",
  "resources/templates/list",
  "server/discover",
]);

/** Makes MCP server instances that share tools and jobs. */
export class ServerFactory {
  readonly #deps: ServerDeps;
  readonly #listed: readonly ListedTool[];
  /** Shared by all connections and requests, and not made before the first call of any. */
  readonly #tools: Lazy<ReadonlyMap<string, Tool>>;
  /** The tools as callers elsewhere are told of them: made once, for the first of these. */
  readonly #listedElsewhere: Lazy<readonly ListedTool[]>;

  constructor(deps: ServerDeps) {
    this.#deps = deps;
    this.#listed = listTools(deps.settings);
    this.#tools = new Lazy(async () => {
      const { createTools } = await import("./tools/tool-list.ts");
      return new Map(createTools(deps).map((tool) => [tool.name, tool]));
    });
    this.#listedElsewhere = new Lazy(async () => listElsewhere((await this.#tools.get()).values()));
  }

  /** Loads what a first call needs, so that it need not wait for it. */
  async preload(): Promise<void> {
    await this.#tools.get();
  }

  /**
   * What answers to a caller depend on beside their questions: most on all that happens, the lists
   * of what this program can do on nothing, and those of tools whose answers stay the same on whether
   * there is news to be told under them.
   */
  markOf(caller: Caller): (method: string, params: unknown) => string | number | undefined {
    return (method, params) => {
      if (CONSTANT.has(method)) return method;
      if (method !== "tools/call" || !this.#isConstantCall(params)) return undefined;
      // Before anything is open, nobody looks for news.
      const services = this.#deps.services.current;
      return services ? services.jobs.untold.noneSince(caller.owner) : "nothing open";
    };
  }

  /** The scope that a caller lacks for what a message, or one of several, asks. */
  lackingScope(caller: Caller, message: unknown): Scope | undefined {
    return lackingScope(caller, message);
  }

  #isConstantCall(params: unknown): boolean {
    if (typeof params !== "object" || params === null || !("name" in params)) return false;
    const { name } = params;
    return typeof name === "string" && this.#tools.current?.get(name)?.isConstant === true;
  }

  /** As {@link ServerFactory.create}, for a caller anywhere. */
  async createFor(connection: Connection): Promise<McpServer> {
    return connection.caller.isRemote
      ? this.#create(connection, await this.#listedElsewhere.get(), INSTRUCTIONS_ELSEWHERE)
      : this.create(connection);
  }

  /** One MCP server instance, for one connection or one request of a caller on this machine. */
  create(connection: Connection): McpServer {
    return this.#create(connection, this.#listed, INSTRUCTIONS);
  }

  #create(connection: Connection, listed: readonly ListedTool[], instructions: string): McpServer {
    const info = {
      name: "longcat-mcp",
      title: "LongCat, Z-Image and Qwen-Image",
      version: this.#deps.version,
      icons: [...PROGRAM_ICONS],
    };
    const options = { capabilities: capabilitiesOf(connection), instructions };
    const server =
      connection.era === "legacy"
        ? new LegacyServer(info, options)
        : new TaskServer(info, options, this.#tasksOf(connection));
    const seen = connection.lasting ? new SeenResults() : undefined;
    const { caller } = connection;
    for (const tool of listed) {
      if (mayCall(caller, tool.name)) this.#registerTool(server, tool, connection, seen);
    }
    registerResources(server, this.#deps, caller);
    const names = new Set(listed.map(({ name }) => name));
    registerPrompts(server, {
      isThere: (prompt) => maySay(caller, prompt),
      isListed: (tool) => names.has(tool),
    });
    if (connection.lasting) {
      const { subscriptions: subscribed = ownSubscriptions() } = connection;
      handleSubscriptions(server, subscribed);
      this.#push(server, caller, (uri) => connection.era === "modern" || subscribed.has(uri));
    }
    return server;
  }

  /** The jobs of a connection's caller as tasks, loaded with the tools. */
  #tasksOf({ caller, onDelivered }: Connection): TaskSource {
    const source = new Lazy(async () => {
      const { jobTasks } = await import("./tools/job-tasks.ts");
      return jobTasks(this.#deps, caller, onDelivered);
    });
    return {
      get: async (...asked) => (await source.get()).get(...asked),
      cancel: async (...asked) => (await source.get()).cancel(...asked),
      update: async (...asked) => (await source.get()).update(...asked),
    };
  }

  #registerTool(
    server: McpServer,
    listed: ListedTool,
    connection: Connection,
    seen: SeenResults | undefined,
  ): void {
    const { log, clock } = this.#deps;
    server.registerTool(
      listed.name,
      {
        title: listed.title,
        description: listed.description,
        annotations: listed.annotations,
        icons: iconsOf(listed.name),
        ...(Object.keys(listed.meta).length > 0 && { _meta: { ...listed.meta } }),
        // The full schema is advertised; arguments are checked by the tool, whose errors say more.
        inputSchema: acceptingSchema(listed.inputSchema),
      },
      async (args, context) => {
        const startedAt = clock.elapsed();
        const { signal, release } = firstOf([context.mcpReq.signal, connection.leaving]);
        const declared = declaredBy(context, server);
        try {
          const tool = (await this.#tools.get()).get(listed.name);
          if (!tool) throw new AppError("internal", `${listed.name} is listed but not there.`);
          let question: InputRequiredResult | undefined;
          const send = (asks: InputRequiredResult) => {
            question = asks;
          };
          const result = await tool.call(args, {
            caller: connection.caller,
            signal,
            way: wayOf(connection.era, context, declared, send),
            onDelivered: (run) =>
              connection.onDelivered(context.mcpReq.id, () => {
                run().catch((error: unknown) =>
                  log.error({ err: error }, "not noted as delivered"),
                );
              }),
            progress: progressOf(context),
            seen,
            takesTasks: connection.era === "modern" && takesTasks(declared),
            showsPages: showsPages(declared),
          });
          const ms = Math.round(clock.elapsed() - startedAt);
          log.info({ tool: tool.name, ms, isError: result.isError === true }, "call answered");
          return question ?? result;
        } finally {
          release();
        }
      },
    );
  }

  /** Sends what happens to an owner's jobs through a lasting connection until it closes. */
  #push(server: McpServer, caller: Caller, isWanted: (uri: string) => boolean): void {
    // Who hears of it lists them all again.
    const others = seldom(this.#deps.clock, LIST_CHANGES_APART_MS, () => {
      if (server.isConnected()) server.sendResourceListChanged();
    });
    const tell = (all: readonly string[], isListChanged: boolean) => {
      if (!server.isConnected()) return;
      for (const uri of all.filter(isWanted)) {
        void server.server.sendResourceUpdated({ uri }).catch(() => undefined);
      }
      if (isListChanged) others.call();
    };
    const stop = onResourceEvents(this.#deps.events, caller, tell);
    server.server.onclose = () => {
      others.end();
      stop();
    };
  }
}

/**
 * What a connection can keep: of what happens after an answer, a request of the 2025 era on its own
 * hears nothing. Later revisions listen over a stream of their own.
 */
function capabilitiesOf({ lasting, era }: Connection): ServerCapabilities {
  const hears = lasting || era === "modern";
  return hears
    ? { tools: {}, resources: { subscribe: true, listChanged: true } }
    : {
        tools: { listChanged: false },
        prompts: { listChanged: false },
        resources: { listChanged: false },
      };
}

/** Advertises a schema and lets every object pass. */
function acceptingSchema(advertised: Record<string, unknown>): StandardSchemaWithJSON<unknown> {
  return {
    "~standard": {
      version: 1,
      vendor: "longcat-mcp",
      // Every form passes: the tool reads it, and says what is wrong with it in its own words.
      validate: (value) => ({ value: givenArguments(value) }),
      jsonSchema: { input: () => advertised, output: () => advertised },
    },
  };
}

/** What the client says that it can do: later revisions with each request, earlier ones once. */
function declaredBy({ mcpReq }: ServerContext, { server }: McpServer): unknown {
  return (
    fieldsOf(mcpReq.envelope)?.[CLIENT_CAPABILITIES_META_KEY] ?? server.getClientCapabilities()
  );
}

/** Whether the client says that it shows pages of ours beside answers. */
function showsPages(declared: unknown): boolean {
  return fieldsOf(fieldsOf(declared)?.["extensions"])?.[PAGES_EXTENSION] !== undefined;
}
