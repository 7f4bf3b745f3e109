import {
  CLIENT_CAPABILITIES_META_KEY,
  type Implementation,
  McpServer,
  MissingRequiredClientCapabilityError,
  ProtocolError,
  type ServerContext,
  type ServerOptions,
  type Transport,
} from "@modelcontextprotocol/server";
import * as z from "zod";
import { fieldsOf } from "../core/json-fields.ts";
import { INVALID_PARAMS } from "../core/json-rpc.ts";
import { isTaskAnswer, TASKS_EXTENSION, type TaskSource, withoutContent } from "./task.ts";

const NEEDED = { extensions: { [TASKS_EXTENSION]: {} } };

const named = z.looseObject({ taskId: z.string() });

/** Whether a client says, with this very request, that it takes tasks for answers. */
export function takesTasks(declared: unknown): boolean {
  return fieldsOf(fieldsOf(declared)?.["extensions"])?.[TASKS_EXTENSION] !== undefined;
}

/**
 * A server of revision 2026-07-28 with the tasks extension, which the library has no part in. Clients
 * that do not list it are told nothing of it.
 */
export class TaskServer extends McpServer {
  constructor(info: Implementation, options: ServerOptions, source: TaskSource) {
    super(info, options);
    const { server } = this;
    server.setRequestHandler("tasks/get", { params: named }, async ({ taskId }, context) => {
      requireTasks(context);
      const task = await source.get(taskId, context.mcpReq.id);
      if (!task) throw noSuchTask();
      return { ...task };
    });
    server.setRequestHandler("tasks/cancel", { params: named }, async ({ taskId }, context) => {
      requireTasks(context);
      if (!(await source.cancel(taskId))) throw noSuchTask();
      return {};
    });
    server.setRequestHandler("tasks/update", { params: named }, async ({ taskId }, context) => {
      requireTasks(context);
      // The library takes them out of the parameters, whatever the method.
      const { inputResponses = {} } = context.mcpReq;
      if (!(await source.update(taskId, { ...inputResponses }))) throw noSuchTask();
      return {};
    });
    // The library sets this one when it serves; which client asks is known by then only.
    server.setRequestHandler = new Proxy(server.setRequestHandler, {
      apply(set, _, [method, handler, ...more]) {
        const own = method === "server/discover" ? announcing(handler) : handler;
        return Reflect.apply(set, server, [method, own, ...more]);
      },
    });
  }

  override connect(transport: Transport): Promise<void> {
    const send = transport.send.bind(transport);
    transport.send = (message, options) => {
      const isTask = "result" in message && isTaskAnswer(message.result);
      if (!isTask) return send(message, options);
      return send({ ...message, result: withoutContent(message.result) }, options);
    };
    return super.connect(transport);
  }
}

/** Says to those who list the extension that it is there. */
function announcing(discover: unknown) {
  return async (request: unknown, context: ServerContext) => {
    const found: unknown =
      typeof discover === "function" ? await discover(request, context) : undefined;
    const fields = fieldsOf(found);
    const capabilities = fieldsOf(fields?.["capabilities"]);
    if (!takesTasks(declaredIn(context))) return found;
    const extensions = { ...fieldsOf(capabilities?.["extensions"]), ...NEEDED.extensions };
    return { ...fields, capabilities: { ...capabilities, extensions } };
  };
}

function declaredIn({ mcpReq }: ServerContext): unknown {
  return fieldsOf(mcpReq.envelope)?.[CLIENT_CAPABILITIES_META_KEY];
}

/** @throws the protocol's error for a client that does not list the extension */
function requireTasks(context: ServerContext): void {
  if (takesTasks(declaredIn(context))) return;
  throw new MissingRequiredClientCapabilityError({ requiredCapabilities: NEEDED });
}

/** The same for what was never there and for what is somebody else's. */
function noSuchTask(): ProtocolError {
  return new ProtocolError(INVALID_PARAMS, "There is no such task.");
}
