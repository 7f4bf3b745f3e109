import { beforeAll, describe, expect, it } from "vitest";
import { uris } from "../../src/core/uris.ts";
import { madeSchema, newUploadId, nobodys, strangersIn, textOf } from "../support/guesses.ts";
import { until } from "../support/rig.ts";
import { openSharedHouse } from "../support/shared-house.ts";
import {
  type AnyClient,
  call,
  expectNoGuessFinds,
  expectNoPrompt,
  expectNoRepeat,
  expectNoResource,
  expectNothingListed,
  type Secret,
  toolsOf,
} from "../support/stranger.ts";

describe("what belongs to another owner", () => {
  let house: Awaited<ReturnType<typeof openSharedHouse>>;
  let secret: Secret;

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
    const names = {
      ...{ jobId: first.jobId, chatJobId: chat.jobId, deletedJobId: doomed.jobId },
      // Callers on this machine are given no address for uploads.
      ...{ threadId: chat.threadId, requestId, uploadId: newUploadId() },
    };
    const cursors: Record<string, string> = {};
    for (const name of ["job_list", "chat_threads"]) {
      const page = textOf(await call(ada, name, { limit: 1 }));
      cursors[name] = /before-[\w-]+/.exec(page)?.[0] ?? "";
      expect(cursors[name], page).not.toBe("");
    }
    const words = ["Adas own", "Adas doomed", "ada/", "garden"];
    secret = { names, nobody: nobodys(requestId), words, cursors };
    return () => house.close();
  });

  const clients = [
    ["an old client", (owner: string) => house.old(owner)],
    ["a modern client", (owner: string) => house.modern(owner)],
  ] as const;

  it("is named by arguments that this test knows of, and by no other", async () => {
    for (const tool of await toolsOf(await house.modern("ben"))) {
      const what = `${tool.name}: can these name something? Then it belongs to NAMING.`;
      expect(strangersIn(tool), what).toEqual([]);
    }
  });

  describe.each(clients)("asked for by %s", (_, open) => {
    it("is not found by any argument of any tool, and not told apart from what is nowhere", async () => {
      expect(await expectNoGuessFinds(await open("ben"), secret)).toBeGreaterThan(50);
    });

    it("is in no list and no sum, nor behind another's cursor or words", async () => {
      await expectNothingListed(await open("carl"), secret);
    });

    it("is no resource of any template, and completes nothing", async () => {
      await expectNoResource(await open("ben"), secret);
    });

    it("is in no prompt, and completes none", async () => {
      await expectNoPrompt(await open("ben"), secret);
    });
  });

  it("stands for no call of somebody else, not by its key nor by what it asks for", async () => {
    for (const text of await expectNoRepeat(await house.old("ben"), secret)) {
      expect(text).toContain("/users/ben/");
    }
  });

  it("is as it was after all that", async () => {
    const ada = await house.modern("ada");
    const { names: adas } = secret;
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
