import { beforeAll, describe, expect, it } from "vitest";
import { uris } from "../../src/core/uris.ts";
import { Bench, listeningUrl, PATIENTLY } from "../e2e/harness.ts";
import {
  caught,
  madeSchema,
  type Names,
  nameless,
  nobodys,
  strangersIn,
  textOf,
} from "../support/guesses.ts";
import { beginSession, connectModern, connectOld } from "../support/http-callers.ts";
import { bearer } from "../support/http-server.ts";
import { picture } from "../support/pictures.ts";
import {
  type AnyClient,
  call,
  expectNoGuessFinds,
  expectNoPrompt,
  expectNoRepeat,
  expectNoResource,
  expectNothingListed,
  expectNothingOf,
  type Secret,
  toolsOf,
} from "../support/stranger.ts";

/* The built program over HTTP with sessions, users added by its own command, clients of both eras. */

const USERS = ["ada", "ben", "carl", "root"] as const;
type UserName = (typeof USERS)[number];

describe("what belongs to another user", () => {
  let bench: Bench;
  let url: URL;
  let secret: Secret;
  const links: string[] = [];
  const tokens: Partial<Record<UserName, string>> = {};
  const clients: AnyClient[] = [];

  const auth = (user: UserName) => bearer(tokens[user] ?? "");

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
      tokens[user] = await bench.addUser(user, ...scopes);
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
    const names = {
      ...{ jobId: first.jobId, chatJobId: chat.jobId, deletedJobId: doomed.jobId },
      ...{ threadId: chat.threadId, requestId, uploadId },
    };
    const cursors: Record<string, string> = {};
    for (const name of ["job_list", "chat_threads"]) {
      const page = textOf(await call(ada, name, { limit: 1 }));
      cursors[name] = /before-[\w-]+/.exec(page)?.[0] ?? "";
      expect(cursors[name], page).not.toBe("");
    }
    const words = ["Adas own", "Adas doomed", "garden", ...links];
    secret = { names, nobody: nobodys(requestId), words, cursors };
    return async () => {
      for (const client of clients) await client.close().catch(() => undefined);
      await bench.close();
    };
  });

  it("is named by arguments that the guesses know of, and by no other", async () => {
    for (const tool of await toolsOf(await modern("root"))) expect(strangersIn(tool)).toEqual([]);
  });

  describe.each([
    ["an old client", "ben", old],
    ["a modern client", "ben", modern],
    ["a modern client with the scope admin", "root", modern],
  ] as const)("asked for by %s", (_, guesser, open) => {
    it("is not found by any argument of any tool, and not told apart from what is nowhere", async () => {
      expect(await expectNoGuessFinds(await open(guesser), secret)).toBeGreaterThan(50);
    });

    it("is in no list and no sum, nor behind another's cursor or words", async () => {
      await expectNothingListed(await open(guesser === "root" ? "root" : "carl"), secret);
    });

    it("is no resource of any template, in no prompt, and completes nothing", async () => {
      const client = await open(guesser);
      await expectNoResource(client, secret);
      await expectNoPrompt(client, secret);
    });

    it("stands for no call of somebody else, not by its key nor by what it asks for", async () => {
      await expectNoRepeat(await open(guesser), secret);
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
        `/${room}/${secret.names.uploadId}`,
        `/${room}/${secret.names.jobId}`,
      ]) {
        for (const method of ["GET", "PUT"]) {
          const told = await reply(changed, method);
          expect(told, changed).toBe(await other(method));
          expectNothingOf(secret, told, changed);
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
      const things = [uris.job(jobId), uris.medium(jobId, 1), uris.thread(secret.names.threadId)];
      await client.listen({ resourceSubscriptions: things, resourcesListChanged: true });
      return client;
    };
    await listening("ada", heard.ada);
    const ben = await listening("ben", heard.modern);
    const subscribed = await old("ben");
    subscribed.fallbackNotificationHandler = async (one) => void heard.old.push(textOf(one));
    const told = async (uri: string) => caught(subscribed.subscribeResource({ uri }));
    // What is somebody else's is subscribed to as what never was.
    expect(nameless(await told(uris.job(jobId)), { ...secret.names, jobId })).toBe(
      nameless(await told(uris.job(secret.nobody.jobId)), secret.nobody),
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
      const told = await ask(secret.names);
      expect(told).toContain("error");
      expect(told).toBe(await ask(secret.nobody));
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
    for (const id of [secret.names.jobId, secret.names.chatJobId]) expect(list).toContain(id);
    expect(textOf(await call(ada, "chat_threads", {}))).toContain(secret.names.threadId);
    const thread = textOf(await ada.readResource({ uri: uris.thread(secret.names.threadId) }));
    expect(thread).toContain("Adas own question");
    const medium = await ada.readResource({ uri: uris.medium(secret.names.jobId, 1) });
    expect(textOf(medium)).toContain("blob");
    const edit = { prompt: "Brighter", image: uris.upload(secret.names.uploadId), dry_run: true };
    expect(textOf(await call(ada, "qwen_image_edit", edit))).toContain("Dry run:");
  });
});
