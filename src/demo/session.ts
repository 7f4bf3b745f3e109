import { Client } from "@modelcontextprotocol/client";
import { StdioClientTransport } from "@modelcontextprotocol/client/stdio";
import * as z from "zod";
import { AppError } from "../core/errors.ts";
import { endOf } from "../core/text.ts";
import { uris } from "../core/uris.ts";

const CALL_TIMEOUT_MS = 60_000;
const STDERR_KEPT = 2_000;

const jobSchema = z.looseObject({
  job_id: z.string(),
  cost_usd: z.number().nullable(),
  media: z.array(
    z.looseObject({
      uri: z.string(),
      path: z.string(),
      mime_type: z.string(),
      width: z.number().optional(),
      height: z.number().optional(),
      size_bytes: z.number(),
    }),
  ),
});

/** A finished job as its resource tells it. */
export type DemoJob = z.output<typeof jobSchema>;

export interface ServerProgram {
  command: string;
  args: readonly string[];
  environment: Readonly<Record<string, string | undefined>>;
}

/** The states of a job, by the word with which the server begins to tell of one. */
const STATES: ReadonlyMap<string, string> = new Map([
  ["Waiting", "queued"],
  ["Sending", "submitting"],
  ["Generating", "running"],
  ["Training", "running"],
  ["Answering", "running"],
  ["Fetching", "downloading"],
  ["Keeping", "downloading"],
]);

/** An MCP client with a server of its own, as a host would have them. */
export class Session {
  readonly #client: Client;
  readonly #signal: AbortSignal;
  #stderr = "";

  constructor(signal: AbortSignal) {
    this.#client = new Client({ name: "longcat-mcp-demo", version: "1" });
    this.#signal = signal;
  }

  /** What the server wrote on stderr lately. */
  get stderr(): string {
    return this.#stderr.trim();
  }

  async open({ command, args, environment }: ServerProgram): Promise<void> {
    const env = Object.fromEntries(
      Object.entries(environment).filter((entry): entry is [string, string] => !!entry[1]),
    );
    const transport = new StdioClientTransport({ command, args: [...args], env, stderr: "pipe" });
    transport.stderr?.on("data", (chunk: unknown) => {
      this.#stderr = endOf(this.#stderr + String(chunk), STDERR_KEPT);
    });
    await this.#client.connect(transport, { signal: this.#signal });
  }

  async tools(): Promise<{ name: string; title: string }[]> {
    const { tools } = await this.#client.listTools({}, { signal: this.#signal });
    return tools.map(({ name, title }) => ({ name, title: title ?? "" }));
  }

  /**
   * Calls a start tool and gives its finished job.
   * @param onState is told every state of the job that the server reports.
   * @throws {internal} with the tool's own words when it fails.
   */
  async make(
    tool: string,
    args: Readonly<Record<string, unknown>>,
    onState: (state: string) => void,
  ): Promise<DemoJob> {
    const text = await this.ask(tool, args, onState);
    const jobId = /\bjob_\w+/.exec(text)?.[0];
    if (!jobId) throw new AppError("internal", `${tool} answered without a job.`);
    const job = jobSchema.parse(JSON.parse(await this.#readText(uris.job(jobId))));
    if (job.media.length === 0) throw new AppError("internal", text);
    return job;
  }

  /**
   * Calls a tool and gives the text of its answer.
   * @param onState is told every state of the job that the server reports.
   * @throws {internal} with the tool's own words when it fails.
   */
  async ask(
    tool: string,
    args: Readonly<Record<string, unknown>>,
    onState: (state: string) => void,
  ): Promise<string> {
    const result = await this.#client.callTool(
      { name: tool, arguments: { ...args } },
      {
        signal: this.#signal,
        timeout: CALL_TIMEOUT_MS,
        resetTimeoutOnProgress: true,
        onprogress: ({ message }) => {
          const [firstWord = ""] = (message ?? "").split(" ", 1);
          const state = STATES.get(firstWord.replace(/,$/, ""));
          if (state !== undefined) onState(state);
        },
      },
    );
    const [first] = result.content;
    const text = first?.type === "text" ? first.text : "";
    if (result.isError) throw new AppError("internal", text);
    return text;
  }

  /** The file behind a URI of ours as a data URI. */
  async readDataUri(uri: string): Promise<string> {
    const { contents } = await this.#client.readResource({ uri }, { signal: this.#signal });
    const [first] = contents;
    if (!first || !("blob" in first)) throw new AppError("internal", `${uri} has no bytes.`);
    return `data:${first.mimeType};base64,${first.blob}`;
  }

  async close(): Promise<void> {
    await this.#client.close();
  }

  async #readText(uri: string): Promise<string> {
    const { contents } = await this.#client.readResource({ uri }, { signal: this.#signal });
    const [first] = contents;
    if (!first || !("text" in first)) throw new AppError("internal", `${uri} has no text.`);
    return first.text;
  }
}
