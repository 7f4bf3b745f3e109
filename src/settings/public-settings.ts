import { PUBLIC_PORT_UNSET } from "../core/public-port.ts";
import { url } from "./base-urls.ts";
import { wholeNumber } from "./forms.ts";

/* What others reach at this server: the provider, and whoever has an address for a file. */

export const PUBLIC = {
  publicUrl: {
    env: "LONGCAT_MCP_PUBLIC_URL",
    help: "where the provider can reach this server, to fetch local pictures and training sets and to call when a job goes on; https, but on this machine",
    unset: "unset: only `qwen_image_edit` takes local files",
    schema: url,
  },
  publicPort: {
    env: "LONGCAT_MCP_PUBLIC_PORT",
    help: "the local port that LONGCAT_MCP_PUBLIC_URL leads to; it serves those files, takes such calls, and knows nothing else",
    unset: `${PUBLIC_PORT_UNSET}; on stdio unset`,
    commands: ["stdio", "http"],
    schema: wholeNumber(1, 65_535),
  },
  hostedBytes: {
    env: "LONGCAT_MCP_HOSTED_BYTES",
    help: "how many bytes of such files running jobs may need at a time; what would pass it is refused",
    default: "1073741824",
    commands: ["stdio", "http"],
    schema: wholeNumber(1, Number.MAX_SAFE_INTEGER),
  },
  uploadBytes: {
    env: "LONGCAT_MCP_UPLOAD_BYTES",
    help: "how many bytes a picture or text may have that a caller elsewhere uploads",
    default: "67108864",
    commands: ["http"],
    schema: wholeNumber(1, Number.MAX_SAFE_INTEGER),
  },
  uploadArchiveBytes: {
    env: "LONGCAT_MCP_UPLOAD_ARCHIVE_BYTES",
    help: "how many bytes a ZIP archive may have that a caller elsewhere uploads",
    default: "1073741824",
    commands: ["http"],
    schema: wholeNumber(1, Number.MAX_SAFE_INTEGER),
  },
  uploadMinutes: {
    env: "LONGCAT_MCP_UPLOAD_MINUTES",
    help: "how long an address can be used that takes an upload",
    default: "15",
    commands: ["http"],
    schema: wholeNumber(1, 1_440),
  },
  linkHours: {
    env: "LONGCAT_MCP_LINK_HOURS",
    help: "how long links to finished files last, which callers elsewhere get in place of paths",
    default: "24",
    commands: ["http"],
    schema: wholeNumber(1, 8_760),
  },
} as const;
