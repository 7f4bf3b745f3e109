import type { ReadResourceResult } from "@modelcontextprotocol/server";
import { readBuilt } from "../core/package-root.ts";
import { VIEWER_URI } from "../core/uris.ts";

/** The viewer, in one file that loads nothing: as it was built from `src/page/viewer`. */
export async function viewerPage(): Promise<ReadResourceResult> {
  const text = await readBuilt("viewer.html");
  return {
    contents: [
      {
        uri: VIEWER_URI,
        mimeType: "text/html;profile=mcp-app",
        text,
        _meta: { ui: { prefersBorder: false } },
      },
    ],
  };
}
