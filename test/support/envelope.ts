/** How a request of revision 2026-07-28 says who asks. */
export const CALLER_KEYS = {
  version: "io.modelcontextprotocol/protocolVersion",
  client: "io.modelcontextprotocol/clientInfo",
  capabilities: "io.modelcontextprotocol/clientCapabilities",
} as const;
