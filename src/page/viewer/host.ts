import { METHOD_NOT_FOUND } from "../../core/json-rpc.ts";
import { type Fields, fieldsOf, isFields, textOf } from "./json.ts";

const PROTOCOL_VERSION = "2026-01-26";

/** A host that says no to a request, in its own words. */
export class Refused extends Error {}

export interface HostEvents {
  /** The result of the call that this page was opened for. */
  onResult(result: Fields): void;
  /** The call was given up. */
  onCancelled(): void;
  /** Colours, language or size have changed. */
  onContext(context: Fields): void;
}

interface Waiting {
  resolve(result: Fields): void;
  reject(error: Error): void;
}

/**
 * The host around this page, spoken to as MCP Apps (2026-01-26) say: JSON-RPC by messages between
 * windows. Only the window that shows this page is listened to.
 */
export class Host {
  readonly #window: Window;
  readonly #events: HostEvents;
  readonly #waiting = new Map<number, Waiting>();
  #last = 0;
  #capabilities: Fields = {};

  constructor(window: Window, events: HostEvents) {
    this.#window = window;
    this.#events = events;
    window.addEventListener("message", (event: MessageEvent<unknown>) => {
      if (event.source === window.parent) this.#hear(event.data);
    });
  }

  /** Introduces this page. @returns what the host tells of itself. */
  async connect(version: string): Promise<Fields> {
    const result = await this.request("ui/initialize", {
      appInfo: { name: "longcat-viewer", version },
      appCapabilities: { availableDisplayModes: ["inline", "fullscreen"] },
      protocolVersion: PROTOCOL_VERSION,
    });
    this.#capabilities = fieldsOf(result["hostCapabilities"]);
    this.notify("ui/notifications/initialized", {});
    return fieldsOf(result["hostContext"]);
  }

  /** Whether the host said that it does something: `serverTools`, `downloadFile` … */
  can(capability: string): boolean {
    return isFields(this.#capabilities[capability]);
  }

  /** @throws {Refused} */
  request(method: string, params: Fields): Promise<Fields> {
    const id = ++this.#last;
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject });
      this.#send({ id, method, params });
    });
  }

  notify(method: string, params: Fields): void {
    this.#send({ method, params });
  }

  /** Calls a tool of the server. @throws {Refused} */
  callTool(name: string, args: Fields): Promise<Fields> {
    return this.request("tools/call", { name, arguments: args });
  }

  #send(message: Fields): void {
    // The page is shown in a frame without an origin of its own; its parent's is not told to it.
    this.#window.parent.postMessage({ jsonrpc: "2.0", ...message }, "*");
  }

  #hear(message: unknown): void {
    if (!isFields(message)) return;
    const method = textOf(message["method"]);
    if (method === undefined) this.#settle(message);
    else if (message["id"] !== undefined) this.#answer(message["id"], method);
    else this.#note(method, fieldsOf(message["params"]));
  }

  #settle({ id, result, error }: Fields): void {
    if (typeof id !== "number") return;
    const waiting = this.#waiting.get(id);
    this.#waiting.delete(id);
    if (error === undefined) waiting?.resolve(fieldsOf(result));
    else waiting?.reject(new Refused(textOf(fieldsOf(error)["message"]) ?? "refused"));
  }

  #answer(id: unknown, method: string): void {
    const isKnown = method === "ping" || method === "ui/resource-teardown";
    this.#send(
      isKnown
        ? { id, result: {} }
        : { id, error: { code: METHOD_NOT_FOUND, message: "Method not found" } },
    );
  }

  #note(method: string, params: Fields): void {
    if (method === "ui/notifications/tool-result") this.#events.onResult(params);
    if (method === "ui/notifications/tool-cancelled") this.#events.onCancelled();
    if (method === "ui/notifications/host-context-changed") this.#events.onContext(params);
  }
}
