import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";

/** One JSON-RPC message, as both client libraries pass it to a transport. */
type Message = { jsonrpc: "2.0" };

export interface ChildOptions {
  args: readonly string[];
  env: Record<string, string>;
  cwd: string;
  /** No file may grow beyond it: writing then fails, as it does on a full disk. */
  maxFileKiB?: number | undefined;
}

/**
 * A program under test with its stdin and stdout as an MCP transport. Unlike the libraries' own
 * stdio transports it notes every line of stdout that is not JSON-RPC, and it can pull the plug.
 */
export class ChildTransport {
  onmessage?: (message: never) => void;
  onclose?: () => void;
  onerror?: (error: Error) => void;
  /** Lines on stdout that were not JSON-RPC. */
  readonly strayLines: string[] = [];
  /** Everything that came on stdout and stderr, for looking for secrets. */
  output = "";
  stderr = "";
  readonly child: ChildProcess;

  constructor(options: ChildOptions) {
    const program = [process.execPath, ...options.args];
    const [command = "", ...args] =
      options.maxFileKiB === undefined
        ? program
        : // In blocks of 512 bytes.
          ["sh", "-c", 'ulimit -f "$0" && exec "$@"', String(options.maxFileKiB * 2), ...program];
    this.child = spawn(command, args, {
      cwd: options.cwd,
      env: options.env,
      stdio: ["pipe", "pipe", "pipe"],
    });
    this.child.stderr?.on("data", (chunk) => {
      this.stderr += String(chunk);
    });
    this.child.once("close", () => this.onclose?.());
  }

  async start(): Promise<void> {
    const { stdout } = this.child;
    if (!stdout) throw new Error("the child has no stdout");
    createInterface({ input: stdout }).on("line", (line) => {
      this.output += `${line}\n`;
      const message = parseMessage(line);
      if (message === undefined) this.strayLines.push(line);
      else this.onmessage?.(message as never);
    });
  }

  async send(message: Message): Promise<void> {
    this.child.stdin?.write(`${JSON.stringify(message)}\n`);
  }

  /** Ends stdin, as a client that goes away does. */
  async close(): Promise<void> {
    this.child.stdin?.end();
    await this.exited();
  }

  async kill(signal: NodeJS.Signals): Promise<void> {
    this.child.kill(signal);
    await this.exited();
  }

  async exited(): Promise<number | null> {
    if (this.child.exitCode === null && this.child.signalCode === null) {
      await once(this.child, "close");
    }
    return this.child.exitCode;
  }
}

function parseMessage(line: string): Message | undefined {
  try {
    const value: unknown = JSON.parse(line);
    const isMessage = typeof value === "object" && value !== null && "jsonrpc" in value;
    return isMessage ? (value as Message) : undefined;
  } catch {
    return undefined;
  }
}
