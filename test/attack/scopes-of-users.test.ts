import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import {
  Client as ModernClient,
  StreamableHTTPClientTransport as ModernHttp,
} from "@modelcontextprotocol/client";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { uris } from "../../src/core/uris.ts";
import { Bench, listeningUrl, TEST_KEY } from "../e2e/harness.ts";
import { madeSchema, nameless, newUploadId, textOf } from "../support/guesses.ts";
import { bearer } from "../support/http-server.ts";

/* The built program over HTTP, and users who may do less or more than others. */

const PICTURE = { prompt: "A quiet harbour", image_size: "square_1_1", wait_seconds: 45 };

let bench: Bench;
const clients: ModernClient[] = [];
beforeEach(async () => {
  bench = await Bench.open();
});
afterEach(async () => {
  for (const client of clients.splice(0)) await client.close();
  await bench.close();
});

async function serve(env: Record<string, string> = {}) {
  const url = await listeningUrl(bench.launch(["http", "--port", "0"], env));
  /** A client that calls tools, and gives what it is answered as text. */
  return async (token: string) => {
    const client = new ModernClient(
      { name: "new", version: "1" },
      { versionNegotiation: { mode: { pin: "2026-07-28" } } },
    );
    clients.push(client);
    await client.connect(new ModernHttp(url, { requestInit: { headers: bearer(token) } }));
    const call = async (name: string, args: Record<string, unknown>) =>
      textOf(await client.callTool({ name, arguments: args }));
    const read = (uri: string) =>
      client.readResource({ uri }).then(textOf, (error: Error) => `rejected: ${error.message}`);
    const tools = async () => (await client.listTools()).tools.map(({ name }) => name);
    return { call, read, tools };
  };
}

/** The id of a request that was made with the same key, and not by this server. */
async function madeElsewhere(prompt: string): Promise<string> {
  const reply = await fetch(`${bench.sandbox.origin}/longcat-image-498/v1/longcat-image-request`, {
    method: "POST",
    headers: { "content-type": "application/json", "ocp-apim-subscription-key": TEST_KEY },
    body: JSON.stringify({ prompt, image_size: "square_1_1" }),
  });
  const text = await reply.text();
  const id = /"request_id":\s*"([^"]+)"/.exec(text)?.[1] ?? "";
  expect(id, text).not.toBe("");
  return id;
}

const audited = async (event: string) =>
  (await bench.run(["audit"])).said
    .split("\n")
    .map((line): Record<string, unknown> => JSON.parse(line))
    .filter((entry) => entry["event"] === event);

describe("a request that was made elsewhere", () => {
  test("is adopted with admin only where a key is shared; the audit log says who did", async () => {
    const ann = await bench.addUser("ann");
    const root = await bench.addUser("root", "--scopes", "jobs:read,admin");
    const connect = await serve();
    const requestId = await madeElsewhere("A fox");
    const asAnn = await connect(ann);
    const refused = await asAnn.call("job_status", { request_id: requestId });
    expect(refused).toContain("not_found");
    expect(refused).toContain("scope `admin`");
    const nowhere = requestId.replace(/[0-9a-f]{12}$/, "0123456789ab");
    const other = await asAnn.call("job_status", { request_id: nowhere });
    expect(other.replaceAll(nowhere, requestId)).toBe(refused);
    expect(await audited("job_adopted")).toEqual([]);

    const asRoot = await connect(root);
    const adopted = await asRoot.call("job_status", { request_id: requestId, wait_seconds: 45 });
    expect(adopted).toContain("completed");
    const { jobId } = madeSchema.parse(adopted);
    const list: { user_id: string; name: string }[] = JSON.parse(
      (await bench.run(["users", "list", "--json"])).said,
    );
    const owner = list.find(({ name }) => name === "root")?.user_id;
    expect(await audited("job_adopted")).toMatchObject([
      { owner, job_id: jobId, request_id: requestId },
    ]);
    // Now it is somebody's, which is told apart by nobody else.
    expect(await asAnn.call("job_status", { request_id: requestId })).toBe(refused);
    expect(await asAnn.call("job_status", { job_id: jobId })).toContain("not_found");
  });

  test("is adopted without it by whoever has a key of their own, and by nobody who only chats", async () => {
    const keys = join(bench.folder, "keys");
    for (const name of ["ann", "cleo"]) {
      await mkdir(join(keys, name), { recursive: true, mode: 0o700 });
      for (const key of ["PIXAZO_API_KEY", "LONGCAT_API_KEY"]) {
        await writeFile(join(keys, name, key), TEST_KEY, { mode: 0o600 });
      }
    }
    const ann = await bench.addUser("ann");
    const cleo = await bench.addUser("cleo", "--scopes", "chat");
    const connect = await serve({ LONGCAT_MCP_KEYS_DIR: keys });
    const requestId = await madeElsewhere("A fox");
    const asCleo = await connect(cleo);
    const refused = await asCleo.call("job_status", { request_id: requestId });
    expect(refused).toContain("not_found");
    const asAnn = await connect(ann);
    const adopted = await asAnn.call("job_status", { request_id: requestId, wait_seconds: 45 });
    expect(adopted).toContain("completed");
    expect(await audited("job_adopted")).toMatchObject([{ request_id: requestId }]);
    expect(await asCleo.call("job_status", { request_id: requestId })).toBe(refused);
  });
});

describe("whoever may only chat", () => {
  test("uploads and attaches texts, and sees turns and no pictures, not even earlier ones of theirs", async () => {
    const token = await bench.addUser("cleo");
    const connect = await serve();
    const before = await connect(token);
    const picture = madeSchema.parse(await before.call("longcat_image_generate", PICTURE)).jobId;
    expect(await before.call("job_status", { job_id: picture })).toContain("completed");
    await bench.run(["users", "set", "cleo", "--scopes", "chat"]);

    const cleo = await connect(token);
    expect((await cleo.tools()).sort()).toEqual([
      ...["chat_threads", "job_cancel", "job_delete", "job_list", "job_status"],
      ...["longcat_chat", "longcat_models", "upload_link"],
    ]);
    const invited = await cleo.call("upload_link", { filename: "notes.txt" });
    const address = /https?:\/\/[^\s"\\]+\/uploads\/[^\s"\\]+/.exec(invited)?.[0] ?? "";
    const upload = /longcat:\/\/uploads\/[a-z2-7]{26}/.exec(invited)?.[0] ?? "";
    expect((await fetch(address, { method: "PUT", body: "The harbour is quiet." })).ok).toBe(true);
    const asked = { prompt: "What is quiet?", files: [upload], wait_seconds: 45 };
    const turn = await cleo.call("longcat_chat", asked);
    expect(turn).not.toContain('"isError":true');
    const { jobId: chat } = madeSchema.parse(turn);

    const list = await cleo.call("job_list", {});
    expect(list).toContain(chat);
    expect(list).not.toContain(picture);
    expect(await cleo.call("job_status", { job_id: chat })).toContain(chat);
    const nobodys = newUploadId();
    const told = (text: string, id: string) => nameless(text, { jobId: id } as never);
    // Each as what is nowhere.
    for (const look of [
      (id: string) => cleo.call("job_status", { job_id: id }),
      (id: string) => cleo.call("job_cancel", { job_id: id }),
      (id: string) => cleo.call("job_delete", { job_id: id }),
      (id: string) => cleo.read(uris.job(id)),
      (id: string) => cleo.read(uris.medium(id, 1)),
      (id: string) => cleo.call("longcat_chat", { prompt: "And?", files: [uris.medium(id, 1)] }),
      (id: string) => cleo.call("longcat_chat", { prompt: "And?", files: [uris.job(id)] }),
    ]) {
      const result = await look(picture);
      expect(result).toMatch(/not.?found/i);
      expect(told(result, picture)).toBe(told(await look(`job_${nobodys}`), `job_${nobodys}`));
    }
    const [thread = ""] = /thread_[a-z2-7]{26}/.exec(turn) ?? [];
    expect(await cleo.call("job_delete", { job_id: chat })).toContain(thread);
    const deletion = { action: "delete", thread_id: thread };
    expect(await cleo.call("chat_threads", deletion)).not.toContain('"isError":true');
    expect(await audited("thread_deleted")).toMatchObject([{ thread_id: thread }]);
  });
});
