import type { ProtectedResource } from "../../access/authenticator.ts";
import { SCOPES } from "../../core/caller.ts";
import { metadataUrl } from "./authentication.ts";

const WELL_KNOWN = "/.well-known/oauth-protected-resource/mcp";

/** Where the document is asked for: as we name it, and as the outside address of `/mcp` does. */
export function metadataPaths(resource: ProtectedResource): string[] {
  return [...new Set([WELL_KNOWN, new URL(metadataUrl(resource)).pathname])];
}

/**
 * Where clients log in, and for what (RFC 9728). The library's own maker wants the issuer's
 * document for it, and an issuer may be down when we start.
 */
export function resourceMetadata({ issuer, audience }: ProtectedResource) {
  return {
    resource: audience,
    authorization_servers: [issuer],
    scopes_supported: [...SCOPES],
    bearer_methods_supported: ["header"],
    resource_name: "LongCat, Z-Image and Qwen-Image",
  };
}
