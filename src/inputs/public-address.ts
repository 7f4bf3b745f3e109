import type { Log } from "../core/log.ts";
import type { HostedFolder } from "./hosted-folder.ts";
import type { PublicAddress } from "./hosting.ts";

/** The port for everybody, which knows nothing but what is public. */
export interface PublicPlace {
  /** Where hosted files lie. */
  folder: HostedFolder;
  /** Whether a port is known to which a public address can lead. */
  isConfigured: boolean;
  /** Listens, unless another program has the port. @returns where this machine finds it. */
  open(): Promise<string>;
  /** Makes sure that something of ours listens. @throws {configuration} */
  listen(): Promise<void>;
  /** And that the public address leads there, as far as that can be seen. @throws {configuration} */
  require(): Promise<void>;
}

export interface Surroundings {
  /** As the user has set it. */
  publicUrl: string | undefined;
  /** The provider lives in this process. */
  isBuiltIn: boolean;
  /** The provider is on this machine. */
  isNear: boolean;
  log: Log;
}

/** Where the provider can reach us, if anywhere. */
export async function publicAddress(
  place: PublicPlace,
  { publicUrl, isBuiltIn, isNear, log }: Surroundings,
): Promise<(PublicAddress & Pick<PublicPlace, "listen">) | undefined> {
  const require = () => place.require();
  const listen = () => place.listen();
  if (publicUrl !== undefined && place.isConfigured) {
    // At once: what an earlier process published must stay within the provider's reach.
    await place.open();
    return { url: publicUrl, require, listen };
  }
  if (publicUrl !== undefined) {
    log.warn({}, "on stdio, LONGCAT_MCP_PUBLIC_URL needs LONGCAT_MCP_PUBLIC_PORT and is not used");
  }
  // A provider on this machine can reach every local port: the built-in one, or one for trying out.
  if (!isBuiltIn && !(isNear && place.isConfigured)) return undefined;
  return { url: await place.open(), require, listen };
}
