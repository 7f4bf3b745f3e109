import { AppError } from "../core/errors.ts";
import { PUBLIC_PORT_UNSET } from "../core/public-port.ts";
import { ANY_MEDIUM } from "../core/uris.ts";

/** The public port, as far as addresses on it are concerned. */
export interface PublicPort {
  /** Whether a port is known to which a public address can lead. */
  isConfigured: boolean;
  /** Listens, unless another program has the port. @returns where this machine finds it. */
  open(): Promise<string>;
  /** Makes sure that something of ours listens. @throws {configuration} when a stranger does. */
  listen(): Promise<void>;
}

/**
 * Where the public port is found from elsewhere, without a trailing slash.
 * @param publicUrl the address that was set for it.
 * @param isProviderHere whoever works with a provider on this machine is on this machine as well.
 * @throws {configuration} when nobody elsewhere can find it
 */
export async function publicBase(
  port: PublicPort,
  publicUrl: string | undefined,
  isProviderHere: boolean,
): Promise<string> {
  if (publicUrl !== undefined && port.isConfigured) {
    await port.listen();
    return publicUrl;
  }
  if (isProviderHere) {
    await port.listen();
    return port.open();
  }
  throw new AppError("configuration", "This server has no public address.", {
    next: `Ask whoever runs the server to set LONGCAT_MCP_PUBLIC_URL to an https address that leads to its public port (LONGCAT_MCP_PUBLIC_PORT, by default ${PUBLIC_PORT_UNSET}). Finished files that are not too large can be read as ${ANY_MEDIUM} all the same.`,
  });
}
