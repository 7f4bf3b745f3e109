import type { Server } from "node:http";
import { AppError } from "../core/errors.ts";
import { HOSTED_PATH, type HostedFolder } from "./hosting.ts";

const HOST = "127.0.0.1";

/**
 * A listener for hosted files alone, for a server that speaks MCP on stdio and is reached through a
 * tunnel. Several processes may share the port's one folder: whoever has the port serves for all.
 */
export class FileListener {
  readonly #folder: HostedFolder;
  readonly #port: number;
  #server: Promise<Server | undefined> | undefined;

  /** @param port 0 takes any free one. */
  constructor(folder: HostedFolder, port: number) {
    this.#folder = folder;
    this.#port = port;
  }

  /** Listens, unless another program has the port. @returns the port. */
  async open(): Promise<number> {
    this.#server ??= this.#listen();
    const address = (await this.#server)?.address();
    return typeof address === "object" && address ? address.port : this.#port;
  }

  /**
   * Makes sure that a file of the folder is served, by this process or by another of ours.
   * @throws {configuration} when a stranger has the port.
   */
  async serve(name: string): Promise<void> {
    const port = await this.open();
    if (await this.#server) return;
    const url = `http://${HOST}:${port}${HOSTED_PATH}${name}`;
    const reply = await fetch(url, { method: "HEAD", redirect: "error" }).catch(() => undefined);
    if (reply?.ok) return;
    // The one who had it may have ended by now.
    this.#server = undefined;
    throw new AppError("configuration", `Port ${port} is used by another program.`, {
      next: "Choose another with LONGCAT_MCP_PUBLIC_PORT.",
    });
  }

  async close(): Promise<void> {
    const server = await this.#server;
    server?.closeAllConnections();
    server?.close();
  }

  async #listen(): Promise<Server | undefined> {
    const { createAdaptorServer } = await import("@hono/node-server");
    return new Promise((resolve) => {
      const server = createAdaptorServer({
        fetch: (request: Request) => this.#folder.fetch(request),
      }) as Server;
      server.once("error", () => resolve(undefined));
      server.listen(this.#port, HOST, () => resolve(server));
    });
  }
}
