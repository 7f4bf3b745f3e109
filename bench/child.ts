import { type ChildProcess, type ChildProcessByStdio, spawn } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import type { Readable, Writable } from "node:stream";

const MS_PER_TICK = 10;
const ID_CHARACTERS = 64;

/** A started program that answers JSON-RPC lines. */
export class Program {
  readonly #child: ChildProcessByStdio<Writable, Readable, null>;
  readonly #waiting = new Map<number, (line: string) => void>();
  /** Hears every line that is no answer. */
  onNotification: (line: string) => void = () => {};
  #nextId = 1;
  #rest = "";

  constructor(args: readonly string[], env: Record<string, string>, executable?: string) {
    this.#child = spawn(executable ?? process.execPath, [...args], {
      env: { PATH: process.env["PATH"] ?? "", ...env },
      stdio: ["pipe", "pipe", "inherit"],
    });
    this.#child.stdout.setEncoding("utf8").on("data", (chunk: string) => this.#read(chunk));
  }

  /** Opens a session as today's hosts do. */
  async initialize(): Promise<void> {
    await this.request("initialize", {
      protocolVersion: "2025-06-18",
      capabilities: {},
      clientInfo: { name: "bench", version: "1.0.0" },
    });
    this.#send({ jsonrpc: "2.0", method: "notifications/initialized" });
  }

  request(method: string, params: Record<string, unknown> = {}): Promise<unknown> {
    return this.requestText(method, JSON.stringify(params));
  }

  /** @param params as JSON text, which need not be made again for each request. */
  async requestText(method: string, params: string): Promise<unknown> {
    return JSON.parse(await this.answerTo(method, params));
  }

  /** The line that answers a request: taking it apart is work of whoever asks. */
  answerTo(method: string, params = "{}"): Promise<string> {
    const id = this.#nextId++;
    const answer = new Promise<string>((resolve) => this.#waiting.set(id, resolve));
    this.#child.stdin.write(
      `{"jsonrpc":"2.0","id":${id},"method":"${method}","params":${params}}\n`,
    );
    return answer;
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  /** User and system time so far. */
  cpuMs(): number {
    return processMs(this.pid);
  }

  /** Resident memory in bytes. */
  residentBytes(): number {
    return residentBytes(this.pid);
  }

  /** The most resident memory since the start, or since {@link forgetPeak}, in bytes. */
  peakBytes(): number {
    return peakBytes(this.pid);
  }

  forgetPeak(): void {
    writeFileSync(`/proc/${this.pid}/clear_refs`, "5");
  }

  async end(): Promise<void> {
    const ended = new Promise((resolve) => this.#child.once("close", resolve));
    this.#child.kill("SIGKILL");
    await ended;
  }

  #send(message: object): void {
    this.#child.stdin.write(`${JSON.stringify(message)}\n`);
  }

  #read(chunk: string): void {
    const lines = (this.#rest + chunk).split("\n");
    this.#rest = lines.pop() ?? "";
    for (const line of lines) {
      const id = idOf(line);
      if (id !== undefined) this.#waiting.get(id)?.(line);
      else this.onNotification(line);
    }
  }
}

/** Of an answer: its id stands at one of its ends, or it is taken apart. */
function idOf(line: string): number | undefined {
  const [start, end] = [line.slice(0, ID_CHARACTERS), line.slice(-ID_CHARACTERS)];
  const id = (/^\{"jsonrpc":"2\.0","id":(\d+),/.exec(start) ?? /,"id":(\d+)\}$/.exec(end))?.[1];
  if (id !== undefined) return Number(id);
  const message: { id?: number } = JSON.parse(line);
  return message.id;
}

/** User and system time of a process so far, in milliseconds. */
export function processMs(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1]?.split(" ") ?? [];
  return (Number(stat[11]) + Number(stat[12])) * MS_PER_TICK;
}

export function residentBytes(pid: number): number {
  return statusBytes(pid, "VmRSS");
}

/**
 * The most resident memory of a process. What the system says of a process in its account of
 * resources is no less than what its parent had when it was started.
 */
export function peakBytes(pid: number): number {
  return statusBytes(pid, "VmHWM");
}

function statusBytes(pid: number, field: string): number {
  const status = readFileSync(`/proc/${pid}/status`, "utf8");
  return Number(new RegExp(`${field}:\\s+(\\d+) kB`).exec(status)?.[1] ?? Number.NaN) * 1024;
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}

/** Starts a program that says on stderr where it listens. */
export function serve(
  args: readonly string[],
  env: Record<string, string>,
): Promise<{ child: ChildProcess; url: string }> {
  const child = spawn(process.execPath, [...args], {
    env: { PATH: process.env["PATH"] ?? "", ...env },
    stdio: ["ignore", "ignore", "pipe"],
  });
  let said = "";
  return new Promise((resolve) => {
    child.stderr.on("data", (piece) => {
      said += String(piece);
      const url = /listens on (http:\S+)/.exec(said)?.[1];
      if (url) resolve({ child, url });
    });
  });
}

export function end(child: ChildProcess): Promise<unknown> {
  const ended = new Promise((resolve) => child.once("close", resolve));
  child.kill("SIGKILL");
  return ended;
}
