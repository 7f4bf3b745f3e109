import { NOT_TAKEN } from "../../core/json-rpc.ts";
/** Behind a proxy, "this machine" is everybody: so nothing that was passed on is served here. */
export const ONLY_LOCAL =
  "This port serves MCP to programs on this machine only. A tunnel or reverse proxy must lead to the public port instead, which serves nothing but public files (LONGCAT_MCP_PUBLIC_PORT; by default the port above this one, once LONGCAT_MCP_PUBLIC_URL is set).";

/** What a request is answered that is not let in. */
export function refused(message: string): Response {
  const error = { code: NOT_TAKEN, message };
  return Response.json({ jsonrpc: "2.0", error, id: null }, { status: 403 });
}
