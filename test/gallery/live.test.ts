import { get } from "node:http";
import { expect, it } from "vitest";
import { deletedJob } from "../../src/jobs/deletion.ts";
import { settle } from "../support/fake-clock.ts";
import { openGalleryRig, serveRig, type Visitor } from "../support/gallery-rig.ts";
import { credential, remoteCaller } from "../support/http-server.ts";
import { aJob } from "../support/made-jobs.ts";
import { until } from "../support/rig.ts";

/** Listens as a browser does. */
async function listening({ origin, cookie }: Visitor) {
  const state = { text: "", isOver: false, leave: () => {} };
  await new Promise<void>((resolve, reject) => {
    const asked = get(`${origin}/events`, { headers: { cookie } }, (response) => {
      response.on("data", (chunk) => {
        state.text += String(chunk);
      });
      response.on("close", () => {
        state.isOver = true;
      });
      resolve();
    });
    asked.on("error", reject);
    state.leave = () => asked.destroy();
  });
  return state;
}

async function open() {
  const rig = await openGalleryRig();
  return { ...rig, ...(await serveRig(rig)), events: rig.parts.events };
}

it("tells ids and states of one's own jobs as they happen, and not a word of them", async () => {
  const { visitor, events } = await open();
  const heard = await listening(await visitor());
  const job = aJob({ state: "running", input: { prompt: "SECRET" } });
  events.publish(aJob({ owner: "eve" }));
  events.publish(job);
  events.publishDeletion(deletedJob(job));
  await until(() => heard.text.includes("event: gone"), "the news");
  expect(heard.text).toBe(
    `retry: 3000\n\nevent: job\ndata: {"job":"${job.jobId}","state":"running"}\n\nevent: gone\ndata: {"job":"${job.jobId}"}\n\n`,
  );
  heard.leave();
});

it("tells those with a scope for conversations nothing of pictures", async () => {
  const { visitor, events } = await open();
  const scopes = new Set(["chat" as const]);
  const heard = await listening(await visitor(credential(remoteCaller("ada", { scopes }))));
  const turn = aJob({ owner: "ada", operation: "longcat_chat" });
  events.publish(aJob({ owner: "ada" }));
  events.publish(turn);
  await until(() => heard.text.includes(turn.jobId), "the news");
  expect(heard.text.match(/event: job/g)).toHaveLength(1);
  heard.leave();
});

it("says now and again that it is there, and leaves nothing behind when a browser has gone", async () => {
  const { visitor, clock } = await open();
  const heard = await listening(await visitor());
  const before = clock.pending;
  await clock.advance(26_000);
  await until(() => heard.text.includes(":\n\n"), "a beat");
  heard.leave();
  await until(() => clock.pending < before, "the end");
});

it("ends with the server, and the oldest of too many", async () => {
  const { visitor, stopping } = await open();
  const somebody = await visitor();
  const all: Awaited<ReturnType<typeof listening>>[] = [];
  for (let i = 0; i < 17; i++) all.push(await listening(somebody));
  await until(() => all[0]?.isOver === true, "the end of the oldest");
  await settle();
  expect(all.filter(({ isOver }) => isOver)).toHaveLength(1);
  stopping.abort();
  await until(() => all.every(({ isOver }) => isOver), "the end of all");
  const late = await listening(somebody);
  await until(() => late.isOver, "the end of a late one");
});
