import { McpServer, type Transport } from "@modelcontextprotocol/server";
import { fieldsOf } from "../core/json-fields.ts";
import { INVALID_PARAMS, RESOURCE_NOT_FOUND } from "../core/json-rpc.ts";

/**
 * A server for clients of the 2025 era. The library answers them about a missing resource with the
 * code of 2026-07-28; what it says of one is told apart by its data, which are the address alone.
 */
export class LegacyServer extends McpServer {
  override connect(transport: Transport): Promise<void> {
    const send = transport.send.bind(transport);
    transport.send = (message, options) => {
      const isMissing = "error" in message && isAboutMissing(message.error);
      if (!isMissing) return send(message, options);
      return send({ ...message, error: { ...message.error, code: RESOURCE_NOT_FOUND } }, options);
    };
    return super.connect(transport);
  }
}

function isAboutMissing({ code, data }: { code: number; data?: unknown }): boolean {
  const { uri, ...others } = fieldsOf(data) ?? {};
  return code === INVALID_PARAMS && typeof uri === "string" && Object.keys(others).length === 0;
}
