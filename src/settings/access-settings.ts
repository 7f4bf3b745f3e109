import {
  addressRanges,
  audience,
  hostNames,
  issuer,
  listeningHost,
  origins,
} from "./access-forms.ts";

/* Who calls over HTTP, and what stands in front of the server. */

export const ACCESS = {
  host: {
    env: "LONGCAT_MCP_HOST",
    flag: "host",
    help: "the address to listen on; others than loopback only with users or an issuer",
    default: "127.0.0.1",
    commands: ["http"],
    schema: listeningHost,
  },
  oauthIssuer: {
    env: "LONGCAT_MCP_OAUTH_ISSUER",
    help: "the OAuth issuer whose logins are taken over HTTP, as it writes itself",
    unset: "tokens of `longcat-mcp users` alone",
    commands: ["http"],
    schema: issuer,
  },
  oauthAudience: {
    env: "LONGCAT_MCP_OAUTH_AUDIENCE",
    help: "the outside address of /mcp, for which the issuer makes its tokens",
    unset: "needed with an issuer",
    commands: ["http"],
    schema: audience,
  },
  allowedHosts: {
    env: "LONGCAT_MCP_ALLOWED_HOSTS",
    help: "names by which clients may call this server over HTTP, separated by commas; only with users",
    unset: "this machine's",
    commands: ["http"],
    schema: hostNames,
  },
  allowedOrigins: {
    env: "LONGCAT_MCP_ALLOWED_ORIGINS",
    help: "origins of web pages that may call over HTTP, separated by commas; only with users",
    unset: "this machine's",
    commands: ["http"],
    schema: origins,
  },
  trustedProxies: {
    env: "LONGCAT_MCP_TRUSTED_PROXIES",
    help: "addresses or networks of proxies that may pass requests on, separated by commas; only with users",
    unset: "none",
    commands: ["http"],
    schema: addressRanges,
  },
} as const;
