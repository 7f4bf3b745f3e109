import {
  isJSONRPCNotification,
  isJSONRPCRequest,
  type JSONRPCMessage,
  parseJSONRPCMessage,
  type RequestId,
  WebStandardStreamableHTTPServerTransport,
  type WebStandardStreamableHTTPServerTransportOptions,
} from "@modelcontextprotocol/server";
import { TOKEN } from "../../core/id-patterns.ts";
import { fieldsOf } from "../../core/json-fields.ts";

/** The id of a request of ours, as clients see it: which process asks, and how it calls the request. */
const REQUEST_ID = new RegExp(`^(${TOKEN})-(\\d{1,15})$`);
const CANCELLED = "notifications/cancelled";

/** The library's own way, in which the requests of each process have ids that no other gives. */
export class SessionTransport extends WebStandardStreamableHTTPServerTransport {
  readonly #writer: string;

  /** @param writer this process: a random token. */
  constructor(writer: string, options: WebStandardStreamableHTTPServerTransportOptions) {
    super(options);
    this.#writer = writer;
  }

  override send(
    message: JSONRPCMessage,
    options?: { relatedRequestId?: RequestId },
  ): Promise<void> {
    return super.send(this.#outside(message), options);
  }

  /** A message of a client's as the server here knows it. */
  inside(message: unknown): unknown {
    const fields = fieldsOf(message);
    const [, writer, id] = REQUEST_ID.exec(String(answerTo(message))) ?? [];
    return fields && writer === this.#writer ? { ...fields, id: Number(id) } : message;
  }

  /** Takes a message that came to another process. */
  hear(message: unknown): void {
    try {
      this.onmessage?.(parseJSONRPCMessage(message));
    } catch {
      // No message as the protocol has it: nobody waits for it.
    }
  }

  #outside(message: JSONRPCMessage): JSONRPCMessage {
    if (isJSONRPCRequest(message)) return { ...message, id: `${this.#writer}-${message.id}` };
    if (!isJSONRPCNotification(message) || message.method !== CANCELLED) return message;
    const requestId = `${this.#writer}-${message.params?.["requestId"]}`;
    return { ...message, params: { ...message.params, requestId } };
  }
}

/** Which process a client's message is for, where it answers something that was asked. */
export function writerAsking(message: unknown): string | undefined {
  return REQUEST_ID.exec(String(answerTo(message)))?.[1];
}

/** The id of the request that a client calls off. */
export function calledOff(message: unknown): unknown {
  const { method, params } = fieldsOf(message) ?? {};
  return method === CANCELLED ? fieldsOf(params)?.["requestId"] : undefined;
}

function answerTo(message: unknown): unknown {
  const { method, id } = fieldsOf(message) ?? {};
  return method === undefined ? id : undefined;
}
