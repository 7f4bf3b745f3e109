import { request } from "undici";
import { onTestFinished } from "vitest";
import type { Clock } from "../../src/core/clock.ts";
import {
  type Sandbox,
  type SandboxOptions,
  startSandbox,
} from "../../src/sandbox/sandbox-server.ts";
import { FakeClock, settle } from "../support/fake-clock.ts";

export const KEY = { "Ocp-Apim-Subscription-Key": "sandbox-key" };

/** The fields a test reads from any reply; only some of them are in each. */
export interface Reply {
  request_id: string;
  polling_url: string;
  status: string;
  error: string;
  message: string;
  output: { media_url: string[]; choices: { message: { content: { image: string }[] } }[] };
  result_url: string;
  images: { url: string }[];
  faults: { fault: { kind: string }; left: number | null }[];
  requests: { method: string; path: string; headers: Record<string, string> }[];
}

export interface Answer {
  status: number;
  headers: Record<string, string | string[] | undefined>;
  bytes: Buffer;
  text: string;
  json: Reply;
}

/** A sandbox on a clock that stands still, closed after the test. */
export async function openSandbox(
  options: SandboxOptions = {},
): Promise<{ sandbox: Sandbox; clock: FakeClock }> {
  const clock = new FakeClock();
  return { sandbox: await open({ clock, ...options }), clock };
}

async function open(options: SandboxOptions & { clock: Clock }): Promise<Sandbox> {
  const sandbox = await startSandbox(options);
  onTestFinished(() => sandbox.close());
  return sandbox;
}

export async function get(url: string, headers: Record<string, string> = KEY): Promise<Answer> {
  return await call("GET", url, undefined, headers);
}

export async function post(
  url: string,
  body: unknown,
  headers: Record<string, string> = KEY,
): Promise<Answer> {
  const text = typeof body === "string" ? body : JSON.stringify(body);
  return await call("POST", url, text, { "Content-Type": "application/json", ...headers });
}

export async function call(
  method: "GET" | "POST" | "HEAD" | "DELETE",
  url: string,
  body: string | undefined,
  headers: Record<string, string>,
): Promise<Answer> {
  const reply = await request(url, { method, headers, body: body ?? null });
  const bytes = Buffer.from(await reply.body.arrayBuffer());
  const text = bytes.toString("utf8");
  const isJson = String(reply.headers["content-type"]).startsWith("application/json");
  const json: Reply = JSON.parse(isJson && text !== "" ? text : "{}");
  return { status: reply.statusCode, headers: reply.headers, bytes, text, json };
}

/** Moves the clock on once somebody waits for it. */
export async function advanceWhenAwaited(clock: FakeClock, ms: number): Promise<void> {
  while (clock.pending === 0) await settle();
  await clock.advance(ms);
}

/** Submits, lets the job finish, and gives its status. */
export async function finish(
  { sandbox, clock }: { sandbox: Sandbox; clock: FakeClock },
  path: string,
  body: unknown,
): Promise<Reply> {
  const accepted = await post(sandbox.origin + path, body);
  await clock.advance(60_000);
  return (await get(accepted.json.polling_url)).json;
}
