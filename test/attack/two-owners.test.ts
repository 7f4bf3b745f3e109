import { beforeAll, describe, expect, it } from "vitest";
import * as z from "zod";
import { URI_TEMPLATES, uris } from "../../src/core/uris.ts";
import {
  caught,
  guessesAt,
  isLookedAt,
  madeSchema,
  type Names,
  NOWHERE,
  nameless,
  newUploadId,
  nobodys,
  strangersIn,
  textOf,
  toolSchema,
} from "../support/guesses.ts";
import { until } from "../support/rig.ts";
import { type AnyClient, openSharedHouse } from "../support/shared-house.ts";

describe("what belongs to another owner", () => {
  let house: Awaited<ReturnType<typeof openSharedHouse>>;
  let adas: Names;
  let nobody: Names;
  const cursors: Record<string, string> = {};
  const call = (client: AnyClient, name: string, args: Record<string, unknown>) =>
    client.callTool({ name, arguments: args });

  beforeAll(async () => {
    house = await openSharedHouse();
    const ada = await house.lasting("ada");
    const make = async (name: string, args: Record<string, unknown>) =>
      madeSchema.parse(textOf(await call(ada, name, { wait_seconds: 45, ...args })));
    const picture = { prompt: "Adas own garden", image_size: "square_1_1" };
    const [first, doomed] = [
      await make("longcat_image_generate", { ...picture, idempotency_key: "k" }),
      await make("longcat_image_generate", { ...picture, prompt: "Adas doomed garden" }),
    ];
    await make("longcat_chat", { prompt: "Adas own first question" });
    const chat = await make("longcat_chat", { prompt: "Adas own question" });
    await call(ada, "job_delete", { job_id: doomed.jobId });
    const job = textOf(await ada.readResource({ uri: uris.job(first.jobId) }));
    const requestId = /request_id[^:]*:\s*\\+"([^"\\]+)/.exec(job)?.[1] ?? "";
    expect(job).toContain("completed");
    expect(requestId).not.toBe("");
    adas = {
      ...{ jobId: first.jobId, chatJobId: chat.jobId, deletedJobId: doomed.jobId },
      // Callers on this machine are given no address for uploads.
      ...{ threadId: chat.threadId, requestId, uploadId: newUploadId() },
    };
    nobody = nobodys(requestId);
    for (const name of ["job_list", "chat_threads"]) {
      const page = textOf(await call(ada, name, { limit: 1 }));
      cursors[name] = /before-[\w-]+/.exec(page)?.[0] ?? "";
      expect(cursors[name], page).not.toBe("");
    }
    return () => house.close();
  });

  const clients = [
    ["an old client", (owner: string) => house.old(owner)],
    ["a modern client", (owner: string) => house.modern(owner)],
  ] as const;

  /** @param named what the question had in it, and may be repeated. */
  function expectNothingOfAdas(text: string, named = ""): void {
    for (const secret of ["Adas own", "Adas doomed", "ada/", "garden"]) {
      expect(text).not.toContain(secret);
    }
    for (const name of Object.values(adas)) {
      if (!named.includes(name)) expect(text).not.toContain(name);
    }
  }

  const toolsOf = async (client: AnyClient) =>
    z.array(toolSchema).parse((await client.listTools()).tools);

  it("is named by arguments that this test knows of, and by no other", async () => {
    for (const tool of await toolsOf(await house.modern("ben"))) {
      const what = `${tool.name}: can these name something? Then it belongs to NAMING.`;
      expect(strangersIn(tool), what).toEqual([]);
    }
  });

  describe.each(clients)("asked for by %s", (_, open) => {
    it("is not found by any argument of any tool, and not told apart from what is nowhere", async () => {
      const ben = await open("ben");
      for (const tool of await toolsOf(ben)) {
        const guesses = guessesAt(tool, adas);
        const others = guessesAt(tool, nobody);
        for (const [n, args] of guesses.entries()) {
          const what = `${tool.name} ${textOf(args)}`;
          const result = await caught(call(ben, tool.name, args));
          const nothing = await caught(call(ben, tool.name, others[n] ?? {}));
          expect(nameless(result, adas), what).toBe(nameless(nothing, nobody));
          expectNothingOfAdas(result, textOf(args));
          if (!isLookedAt(args)) continue;
          expect(result, what).toMatch(/"isError":true/);
          expect(result, what).toMatch(NOWHERE);
        }
      }
    });

    it("is in no list and no sum, nor behind another's cursor or words", async () => {
      const carl = await open("carl");
      for (const { name, inputSchema } of await toolsOf(carl)) {
        if (inputSchema.required.length > 0) continue;
        const { properties } = inputSchema;
        const cursor: Record<string, unknown>[] =
          "cursor" in properties ? [{ cursor: cursors[name] ?? "none known" }] : [];
        const words = "query" in properties ? [{ query: "garden" }, { query: "question" }] : [];
        for (const args of [{}, ...cursor, ...words]) {
          const text = await caught(call(carl, name, args));
          expectNothingOfAdas(text);
          if (cursor.includes(args)) expect(text, name).not.toContain('"isError":true');
          if (name === "spending") expect(text).toMatch(/total_usd\\*":\s*0[,}]/);
        }
      }
      expectNothingOfAdas(textOf(await carl.listResources()));
    });

    it("is no resource of any template, and completes nothing", async () => {
      const ben = await open("ben");
      const { resourceTemplates } = await ben.listResourceTemplates();
      expect(resourceTemplates.map((one) => one.uriTemplate).sort()).toEqual(
        // What was uploaded is named in calls, and read by nobody.
        Object.values(URI_TEMPLATES)
          .filter((uri) => uri !== URI_TEMPLATES.upload)
          .sort(),
      );
      for (const { uriTemplate: uri } of resourceTemplates) {
        const variables = [...uri.matchAll(/\{(\w+)\}/g)].map(([, name = ""]) => name);
        for (const name of variables) {
          const { completion } = await ben.complete({
            ref: { type: "ref/resource", uri },
            argument: { name, value: "" },
            context: { arguments: { job_id: adas.jobId, thread_id: adas.threadId } },
          });
          expectNothingOfAdas(textOf(completion));
          if (name === "index") expect(completion.values).toEqual([]);
        }
        if (variables.includes("operation")) continue;
        for (const job of ["jobId", "chatJobId", "deletedJobId"] as const) {
          const read = (of: Names) => {
            const values: Record<string, string> = {
              ...{ job_id: of[job], index: "1", thread_id: of.threadId },
            };
            const filled = uri.replace(/\{(\w+)\}/g, (_all, name) => values[name] ?? `no ${name}`);
            return caught(ben.readResource({ uri: filled }));
          };
          const result = await read(adas);
          expect(result, uri).toMatch(/^rejected: .*not found/i);
          expect(nameless(result, adas)).toBe(nameless(await read(nobody), nobody));
        }
      }
    });

    it("is in no prompt, and completes none", async () => {
      const ben = await open("ben");
      for (const { name, arguments: args = [] } of (await ben.listPrompts()).prompts) {
        const given = Object.fromEntries(args.map((one) => [one.name, uris.medium(adas.jobId, 1)]));
        const text = await caught(ben.getPrompt({ name, arguments: given }));
        expectNothingOfAdas(text, textOf(given));
        for (const argument of args) {
          const ref = { type: "ref/prompt" as const, name };
          const asked = { ref, argument: { name: argument.name, value: "" } };
          expectNothingOfAdas(await caught(ben.complete(asked)));
        }
      }
    });
  });

  it("stands for no call of somebody else, not by its key nor by what it asks for", async () => {
    const ben = await house.old("ben");
    const args = { prompt: "Adas own garden", image_size: "square_1_1", wait_seconds: 45 };
    for (const one of [{ ...args, idempotency_key: "k" }, args]) {
      const text = textOf(await call(ben, "longcat_image_generate", one));
      expect(text).toContain("completed");
      expect(text).toContain("/users/ben/");
      expect(text).not.toContain(adas.jobId);
    }
  });

  it("is as it was after all that", async () => {
    const ada = await house.modern("ada");
    const list = textOf(await call(ada, "job_list", {}));
    for (const id of [adas.jobId, adas.chatJobId]) expect(list).toContain(id);
    const threads = textOf(await call(ada, "chat_threads", {}));
    expect(threads).toContain(adas.threadId);
    const thread = textOf(await ada.readResource({ uri: uris.thread(adas.threadId) }));
    expect(thread.match(/Adas own question/g)?.length).toBeGreaterThan(0);
    const job = textOf(await ada.readResource({ uri: uris.job(adas.jobId) }));
    expect(job).toContain("completed");
    const medium = await ada.readResource({ uri: uris.medium(adas.jobId, 1) });
    expect(textOf(medium)).toContain("blob");
  });

  describe("is heard of by its owner only,", () => {
    const watchers = {
      async "subscribed over a lasting connection"(owner: string, uri: string, heard: string[]) {
        const client = await house.lasting(owner);
        client.fallbackNotificationHandler = async (one) => void heard.push(textOf(one));
        await client.subscribeResource({ uri });
        return client;
      },
      async "listening over HTTP"(owner: string, uri: string, heard: string[]) {
        const client = await house.modern(owner);
        client.fallbackNotificationHandler = async (one) => void heard.push(textOf(one));
        await client.listen({ resourceSubscriptions: [uri], resourcesListChanged: true });
        return client;
      },
    };

    it.each(Object.entries(watchers))("%s", async (_, watch) => {
      const starter = await house.old("ada");
      const start = async (client: AnyClient, prompt: string) =>
        madeSchema.parse(
          textOf(
            await call(client, "longcat_image_generate", {
              ...{ prompt, image_size: "square_1_1", wait_seconds: 0, force_new: true },
            }),
          ),
        ).jobId;
      const jobId = await start(starter, "Adas other garden");
      const heard = { ada: [] as string[], ben: [] as string[] };
      await watch("ada", uris.job(jobId), heard.ada);
      const ben = await watch("ben", uris.job(jobId), heard.ben);
      await call(starter, "job_status", { job_id: jobId, wait_seconds: 45 });
      // Whatever the first job had to tell may have been told before anybody listened.
      const second = await start(starter, "Adas last garden");
      await call(starter, "job_status", { job_id: second, wait_seconds: 45 });
      await until(() => heard.ada.some((one) => one.includes("list_changed")), "Ada's event");
      const own = await start(ben, "Bens own garden");
      await call(ben, "job_status", { job_id: own, wait_seconds: 45 });
      await until(() => heard.ben.some((one) => one.includes("list_changed")), "Ben's event");
      const told = heard.ben.filter((one) => one.includes("list_changed"));
      // Its beginning and its end.
      expect(told.length).toBeLessThanOrEqual(2);
      expect(heard.ben.join()).not.toMatch(new RegExp(`${jobId}|${second}`));
    });
  });
});
