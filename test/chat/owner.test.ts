import { createServer } from "node:http";
import { expect, it, onTestFinished } from "vitest";
import { earlierText } from "../../src/chat/earlier-text.ts";
import { newThreadId } from "../../src/core/ids.ts";
import { uris } from "../../src/core/uris.ts";
import { chunk, openChatRig, stream } from "../support/chat-rig.ts";
import { CALLER, NO_UPLOADS, OWNER } from "../support/rig.ts";

const STRANGER = "somebody-else";

async function openPlatform(): Promise<{ origin: string; asked: () => number }> {
  let asked = 0;
  const server = createServer((request, response) => {
    asked++;
    request.resume();
    stream(response, chunk("An answer.", "stop"));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  const address = server.address();
  const port = typeof address === "object" ? address?.port : undefined;
  return { origin: `http://127.0.0.1:${port}`, asked: () => asked };
}

it("a thread is there for its owner only, who else knows its id finds what is nowhere", async () => {
  const { origin, asked } = await openPlatform();
  const rig = await openChatRig({ origin });
  const job = await rig.reached(await rig.ask("What is it?"), "completed");
  const threadId = job.threadId ?? "";

  const goOn = (owner: string, id: string) =>
    rig.runner.start(
      rig.delegate,
      { ...CALLER, owner },
      {
        prompt: "And then?",
        format: "openai",
        threadId: id,
      },
    );
  const attach = (owner: string, id: string) =>
    earlierText(
      uris.thread(id),
      { ...CALLER, owner },
      {
        ...{ store: rig.store, threads: rig.threads, uploads: NO_UPLOADS },
      },
    );
  for (const [owner, id] of [
    [STRANGER, threadId],
    [OWNER, newThreadId()],
  ] as const) {
    await expect(rig.delegate.requireThread(owner, id)).rejects.toMatchObject({
      code: "not_found",
    });
    await expect(goOn(owner, id)).rejects.toMatchObject({ code: "not_found" });
    await expect(attach(owner, id)).rejects.toMatchObject({ code: "not_found" });
  }
  expect((await rig.runner.list({ owner: STRANGER, limit: 10 })).jobs).toEqual([]);
  expect(asked()).toBe(1);

  await rig.delegate.requireThread(OWNER, threadId);
  expect(await attach(OWNER, threadId)).toMatchObject({ name: `${threadId}.md` });
  await rig.reached((await goOn(OWNER, threadId)).job, "completed");
  expect(asked()).toBe(2);
});
