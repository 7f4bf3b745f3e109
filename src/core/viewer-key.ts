/** The key in an answer's `_meta` under which the page beside it is told what it shows. */
export const VIEWER_KEY = "longcat-mcp/viewer";
