import type { Client as ModernClient } from "@modelcontextprotocol/client";
import type { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { beforeAll, describe, expect, it } from "vitest";
import * as z from "zod";
import { URI_TEMPLATES, uris } from "../../src/core/uris.ts";
import { Bench, listeningUrl, PATIENTLY } from "../e2e/harness.ts";
import {
  caught,
  guessesAt,
  isLookedAt,
  madeSchema,
  type Names,
  NOWHERE,
  nameless,
  nobodys,
  strangersIn,
  textOf,
  toolSchema,
} from "../support/guesses.ts";
import { beginSession, connectModern, connectOld } from "../support/http-callers.ts";
import { bearer } from "../support/http-server.ts";
import { picture } from "../support/pictures.ts";

/* The built program over HTTP with sessions, users added by its own command, clients of both eras. */

type AnyClient = Client | ModernClient;
const USERS = ["ada", "ben", "carl", "root"] as const;
type UserName = (typeof USERS)[number];

describe("what belongs to another user", () => {
  let bench: Bench;
  let url: URL;
  let adas: Names;
  let nobody: Names;
  const cursors: Record<string, string> = {};
  const links: string[] = [];
  const tokens: Partial<Record<UserName, string>> = {};
  const clients: AnyClient[] = [];

  const auth = (user: UserName) => bearer(tokens[user] ?? "");
  const call = (client: AnyClient, name: string, args: Record<string, unknown>) =>
    client.callTool({ name, arguments: args });
  const toolsOf = async (client: AnyClient) =>
    z.array(toolSchema).parse((await client.listTools()).tools);

  const old = async (user: UserName) => kept(await connectOld(url, auth(user)));
  const modern = async (user: UserName) => kept(await connectModern(url, auth(user)));
  const session = (user: UserName) => beginSession(url, auth(user));
  function kept<T extends AnyClient>(client: T): T {
    clients.push(client);
    return client;
  }

  beforeAll(async () => {
    bench = await Bench.open();
    for (const user of USERS) {
      const scopes = user === "root" ? ["--scopes", "jobs:read,jobs:buy,chat,admin"] : [];
      const command = bench.launch(["users", "add", user, ...scopes]);
      await command.start();
      expect(await command.exited()).toBe(0);
      tokens[user] = command.strayLines.join("").trim();
    }
    const program = bench.launch(["http", "--port", "0"], { LONGCAT_MCP_SESSIONS: "on" });
    url = await listeningUrl(program);
    const ada = await modern("ada");
    const make = async (name: string, args: Record<string, unknown>) =>
      madeSchema.parse(textOf(await call(ada, name, { wait_seconds: 45, ...args })));
    const generate = { prompt: "Adas own garden", image_size: "square_1_1" };
    const first = await make("longcat_image_generate", { ...generate, idempotency_key: "k" });
    const doomed = await make("longcat_image_generate", { ...generate, prompt: "Adas doomed one" });
    await make("longcat_chat", { prompt: "Adas own first question" });
    const chat = await make("longcat_chat", { prompt: "Adas own question" });
    await call(ada, "job_delete", { job_id: doomed.jobId });
    const invited = textOf(await call(ada, "upload_link", { filename: "Adas own.png" }));
    const uploadId = /longcat:\/\/uploads\/([a-z2-7]{26})/.exec(invited)?.[1] ?? "";
    const address = /https?:\/\/[^\s"\\]+\/uploads\/[^\s"\\]+/.exec(invited)?.[0] ?? "";
    const put = await fetch(address, { method: "PUT", body: new Uint8Array(await picture()) });
    expect(put.status).toBeLessThan(300);
    const job = textOf(await ada.readResource({ uri: uris.job(first.jobId) }));
    const requestId = /request_id[^:]*:\s*\\+"([^"\\]+)/.exec(job)?.[1] ?? "";
    expect(job).toContain("completed");
    expect(requestId).not.toBe("");
    const link = /https?:\/\/[^\s"\\]+\/media\/[^\s"\\]+/.exec(job)?.[0] ?? "";
    expect((await fetch(link)).status).toBe(200);
    links.push(link, address);
    adas = {
      ...{ jobId: first.jobId, chatJobId: chat.jobId, deletedJobId: doomed.jobId },
      ...{ threadId: chat.threadId, requestId, uploadId },
    };
    nobody = nobodys(requestId);
    for (const name of ["job_list", "chat_threads"]) {
      const page = textOf(await call(ada, name, { limit: 1 }));
      cursors[name] = /before-[\w-]+/.exec(page)?.[0] ?? "";
      expect(cursors[name], page).not.toBe("");
    }
    return async () => {
      for (const client of clients) await client.close().catch(() => undefined);
      await bench.close();
    };
  });

  /** @param named what the question had in it, and may be repeated. */
  function expectNothingOfAdas(text: string, named = ""): void {
    for (const secret of ["Adas own", "Adas doomed", "garden", ...links]) {
      expect(text).not.toContain(secret);
    }
    for (const name of Object.values(adas)) {
      if (!named.includes(name)) expect(text).not.toContain(name);
    }
  }

  it("is named by arguments that the guesses know of, and by no other", async () => {
    for (const tool of await toolsOf(await modern("root"))) expect(strangersIn(tool)).toEqual([]);
  });

  describe.each([
    ["an old client", "ben", old],
    ["a modern client", "ben", modern],
    ["a modern client with the scope admin", "root", modern],
  ] as const)("asked for by %s", (_, guesser, open) => {
    it("is not found by any argument of any tool, and not told apart from what is nowhere", async () => {
      const client = await open(guesser);
      let looked = 0;
      for (const tool of await toolsOf(client)) {
        const others = guessesAt(tool, nobody);
        for (const [n, args] of guessesAt(tool, adas).entries()) {
          const what = `${tool.name} ${textOf(args)}`;
          const result = await caught(call(client, tool.name, args));
          const nothing = await caught(call(client, tool.name, others[n] ?? {}));
          expect(nameless(result, adas), what).toBe(nameless(nothing, nobody));
          expectNothingOfAdas(result, textOf(args));
          if (!isLookedAt(args)) continue;
          expect(result, what).toMatch(/"isError":true/);
          expect(result, what).toMatch(NOWHERE);
          looked++;
        }
      }
      expect(looked).toBeGreaterThan(50);
    });

    it("is in no list and no sum, nor behind another's cursor or words", async () => {
      const client = await open(guesser === "root" ? "root" : "carl");
      for (const { name, inputSchema } of await toolsOf(client)) {
        if (inputSchema.required.length > 0) continue;
        const { properties } = inputSchema;
        const cursor: Record<string, unknown>[] =
          "cursor" in properties ? [{ cursor: cursors[name] ?? "none known" }] : [];
        const words = "query" in properties ? [{ query: "garden" }, { query: "question" }] : [];
        for (const args of [{}, ...cursor, ...words]) {
          const text = await caught(call(client, name, args));
          expectNothingOfAdas(text);
          if (cursor.includes(args)) expect(text, name).not.toContain('"isError":true');
          if (name === "spending") expect(text).toMatch(/total_usd\\*":\s*0[,}]/);
        }
      }
      expectNothingOfAdas(textOf(await client.listResources()));
    });

    it("is no resource of any template, in no prompt, and completes nothing", async () => {
      const client = await open(guesser);
      const { resourceTemplates } = await client.listResourceTemplates();
      expect(resourceTemplates.length).toBeGreaterThanOrEqual(5);
      for (const uri of Object.values(URI_TEMPLATES)) {
        const variables = [...uri.matchAll(/\{(\w+)\}/g)].map(([, name = ""]) => name);
        for (const name of variables) {
          const asked = client.complete({
            ref: { type: "ref/resource", uri },
            argument: { name, value: "" },
            context: { arguments: { job_id: adas.jobId, thread_id: adas.threadId } },
          });
          expectNothingOfAdas(await caught(asked));
        }
        if (variables.includes("operation")) continue;
        for (const job of ["jobId", "chatJobId", "deletedJobId"] as const) {
          const read = (of: Names) => {
            const values: Record<string, string> = {
              ...{ job_id: of[job], index: "1", thread_id: of.threadId, id: of.uploadId },
            };
            const filled = uri.replace(/\{(\w+)\}/g, (_all, name) => values[name] ?? `no ${name}`);
            return caught(client.readResource({ uri: filled }));
          };
          const result = await read(adas);
          expect(result, uri).toMatch(/^rejected: .*not found/i);
          expect(nameless(result, adas)).toBe(nameless(await read(nobody), nobody));
        }
      }
      for (const { name, arguments: args = [] } of (await client.listPrompts()).prompts) {
        const given = Object.fromEntries(args.map((one) => [one.name, uris.medium(adas.jobId, 1)]));
        const text = await caught(client.getPrompt({ name, arguments: given }));
        expectNothingOfAdas(text, textOf(given));
        for (const { name: argument } of args) {
          const ref = { type: "ref/prompt" as const, name };
          const asked = client.complete({ ref, argument: { name: argument, value: "" } });
          expectNothingOfAdas(await caught(asked));
        }
      }
    });

    it("stands for no call of somebody else, not by its key nor by what it asks for", async () => {
      const client = await open(guesser);
      const args = { prompt: "Adas own garden", image_size: "square_1_1", wait_seconds: 45 };
      for (const one of [{ ...args, idempotency_key: "k" }, args]) {
        const text = textOf(await call(client, "longcat_image_generate", one));
        expect(text).toContain("completed");
        expect(text).not.toContain(adas.jobId);
      }
    });
  });

  it("is no address beside those that were given: another's, cut or changed, is as any other", async () => {
    for (const link of links) {
      const { pathname, origin } = new URL(link);
      const room = pathname.split("/")[1];
      const nowhere = await fetch(`${origin}/${room}/${"a".repeat(40)}`, { method: "PUT" });
      const reply = async (path: string, method: string) => {
        const told = await fetch(origin + path, { method });
        return `${told.status} ${await told.text()}`;
      };
      const other = (method: string) => reply(`/${room}/${"b".repeat(pathname.length)}`, method);
      for (const changed of [
        `${pathname}a`,
        pathname.slice(0, -1),
        `${pathname.slice(0, -1)}${pathname.endsWith("a") ? "b" : "a"}`,
        `/${room}/${adas.uploadId}`,
        `/${room}/${adas.jobId}`,
      ]) {
        for (const method of ["GET", "PUT"]) {
          const told = await reply(changed, method);
          expect(told, changed).toBe(await other(method));
          expectNothingOfAdas(told, changed);
        }
      }
      expect(nowhere.status).toBeGreaterThanOrEqual(400);
    }
  });

  it("is heard of by nobody else who listens, of any era, while it goes on", async () => {
    const starter = await modern("ada");
    const start = async (client: AnyClient, prompt: string) =>
      madeSchema.parse(
        textOf(
          await call(client, "longcat_image_generate", {
            ...{ prompt, image_size: "square_1_1", wait_seconds: 0, force_new: true },
          }),
        ),
      ).jobId;
    bench.sandbox.faults.add({ kind: "slow", ms: 300, match: { path: "/v2/requests" } });
    const jobId = await start(starter, "Adas other garden");
    const heard = { ada: [] as string[], old: [] as string[], modern: [] as string[] };
    const listening = async (user: UserName, to: string[]) => {
      const client = await modern(user);
      client.fallbackNotificationHandler = async (one) => void to.push(textOf(one));
      const things = [uris.job(jobId), uris.medium(jobId, 1), uris.thread(adas.threadId)];
      await client.listen({ resourceSubscriptions: things, resourcesListChanged: true });
      return client;
    };
    await listening("ada", heard.ada);
    const ben = await listening("ben", heard.modern);
    const subscribed = await old("ben");
    subscribed.fallbackNotificationHandler = async (one) => void heard.old.push(textOf(one));
    const told = async (uri: string) => caught(subscribed.subscribeResource({ uri }));
    // What is somebody else's is subscribed to as what never was.
    expect(nameless(await told(uris.job(jobId)), { ...adas, jobId })).toBe(
      nameless(await told(uris.job(nobody.jobId)), nobody),
    );
    await call(starter, "job_status", { job_id: jobId, wait_seconds: 45 });
    const second = await start(starter, "Adas last garden");
    await call(starter, "job_status", { job_id: second, wait_seconds: 45 });
    await expect.poll(() => heard.ada.join(), PATIENTLY).toContain("list_changed");
    // Ben's own news come after whatever he could have heard of hers.
    const own = await start(ben, "Bens own garden");
    await call(ben, "job_status", { job_id: own, wait_seconds: 45 });
    for (const one of [heard.modern, heard.old]) {
      await expect.poll(() => one.join(), PATIENTLY).toContain("list_changed");
      const changes = one.filter((line) => line.includes("list_changed"));
      // Its beginning and its end.
      expect(changes.length).toBeLessThanOrEqual(2);
      expect(one.join()).not.toMatch(new RegExp(`${jobId}|${second}|updated`));
    }
  });

  it("goes on whatever others call off, and tells only its own caller how far it is", async () => {
    bench.sandbox.faults.add({ kind: "slow", ms: 700, match: { path: "/v2/requests" } });
    const [ada, ben] = [await session("ada"), await session("ben")];
    const work = (prompt: string) => ({
      id: "same-id",
      method: "tools/call",
      params: {
        name: "longcat_image_generate",
        arguments: { prompt, image_size: "square_1_1", wait_seconds: 45, force_new: true },
        _meta: { progressToken: "same-token" },
      },
    });
    const answers = [
      ada.send(work("Adas own long garden")).then((reply) => reply.text()),
      ben.send(work("Bens long river")).then((reply) => reply.text()),
    ];
    const params = { requestId: "same-id", reason: "guessed" };
    for (const cancel of [
      // From outside of any session of hers, in one of his own, and with hers that he has guessed.
      await ben.post({ method: "notifications/cancelled", params }, ada.own),
      await ben.post({ method: "notifications/cancelled", params }),
    ]) {
      expect(cancel.status).not.toBe(202);
    }
    const [hers = "", his = ""] = await Promise.all(answers);
    for (const text of [hers, his]) expect(text).toContain("completed");
    expect(hers).toContain("notifications/progress");
    const jobs = (text: string) => new Set(text.match(/job_[a-z2-7]{26}/g));
    for (const id of jobs(hers)) expect(his).not.toContain(id);
    for (const id of jobs(his)) expect(hers).not.toContain(id);
  });

  it("is no task, and no session", async () => {
    const [ada, ben] = [await session("ada"), await session("ben")];
    for (const method of ["tasks/get", "tasks/result", "tasks/cancel", "tasks/update"]) {
      const ask = async (of: Names) => {
        const params = { taskId: of.jobId, inputResponses: {} };
        const told = await (await ben.send({ id: 1, method, params })).text();
        // Events of a stream are numbered.
        return nameless(told.replace(/^id: .*$/m, ""), of);
      };
      const told = await ask(adas);
      expect(told).toContain("error");
      expect(told).toBe(await ask(nobody));
    }
    const ping = { id: 1, method: "ping" };
    const guessed = await ben.post(ping, ada.own);
    const nowhere = await ben.post(ping, { "mcp-session-id": crypto.randomUUID() });
    expect(guessed.status).toBe(404);
    expect(await guessed.text()).toBe(await nowhere.text());
    expect((await ada.send(ping)).status).toBe(200);
  });

  it("is as it was after all that", async () => {
    const ada = await modern("ada");
    const list = textOf(await call(ada, "job_list", {}));
    for (const id of [adas.jobId, adas.chatJobId]) expect(list).toContain(id);
    expect(textOf(await call(ada, "chat_threads", {}))).toContain(adas.threadId);
    const thread = textOf(await ada.readResource({ uri: uris.thread(adas.threadId) }));
    expect(thread).toContain("Adas own question");
    const medium = await ada.readResource({ uri: uris.medium(adas.jobId, 1) });
    expect(textOf(medium)).toContain("blob");
    const edit = { prompt: "Brighter", image: uris.upload(adas.uploadId), dry_run: true };
    expect(textOf(await call(ada, "qwen_image_edit", edit))).toContain("Dry run:");
  });
});
