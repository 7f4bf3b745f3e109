import type { ServerResponse } from "node:http";
import { describe, expect, it } from "vitest";
import {
  accepted,
  completed,
  file,
  type Reply,
  reset,
  says,
  scriptedGateway,
} from "../support/gateway-script.ts";
import { picture } from "../support/pictures.ts";
import { openRig, until } from "../support/rig.ts";

/** A server that is asked to end while a purchase of its own is in flight, for as long as that takes. */
async function ending(hasOthers: boolean) {
  const held: ServerResponse[] = [];
  const gateway = await scriptedGateway({
    submit: [(response) => held.push(response), accepted],
    status: [completed("a.png")],
    media: [file(await picture())],
  });
  const stopping = new AbortController();
  const rig = await openRig({ origin: gateway.origin, stopping, hasOthers });
  const inFlight = await rig.start();
  await until(() => gateway.posts.length === 1, "the first purchase is on its way");
  stopping.abort();
  /** Another server on the same record, for which the first is no less alive. */
  const another = () => openRig({ origin: gateway.origin, folder: rig.folder, holder: "another" });
  const answer = () => {
    const [hit] = gateway.posts;
    for (const response of held.splice(0)) if (hit) accepted(response, hit);
  };
  return { rig, gateway, inFlight, another, answer };
}

it("what is begun at a server that is to end is sent by another, though the first is busy still", async () => {
  const { rig, gateway, inFlight, another, answer } = await ending(true);
  const job = await rig.start();
  // Its caller hears why it waits.
  expect(rig.runner.heldUpBy(job.jobId)).toContain("shutting down");
  await until(
    async () => !(await rig.store.beat("this-process")).includes(job.jobId),
    "it is anybody's",
  );
  const next = await another();
  await next.reached(job, "completed");
  expect(await rig.get(inFlight)).toMatchObject({ state: "submitting" });
  expect(gateway.posts).toHaveLength(2);
  answer();
  await rig.close();
  expect(gateway.posts).toHaveLength(2);
});

it("where there is no other, the next that starts sends it, and nothing is lost or sent twice", async () => {
  const { rig, gateway, another, answer } = await ending(true);
  const job = await rig.start();
  answer();
  await rig.close();
  const next = await another();
  expect(await next.reached(job, "completed")).toMatchObject({ charge: "spent" });
  expect(gateway.posts).toHaveLength(2);
});

describe("a server that is to end and is busy with a purchase", () => {
  /** One job is on its way, and of another something is done that can be gone on with elsewhere. */
  async function busy(status: Reply[], media: Reply[]) {
    const held: ServerResponse[] = [];
    const submit: Reply[] = [accepted, (response) => held.push(response)];
    const gateway = await scriptedGateway({ submit, status, media });
    const stopping = new AbortController();
    const rig = await openRig({ origin: gateway.origin, stopping, hasOthers: true });
    const job = await rig.start();
    await rig.reached(job, "running");
    const inFlight = await rig.start();
    await until(() => gateway.posts.length === 2, "another purchase is on its way");
    const end = () => {
      stopping.abort();
      void rig.runner.settled();
    };
    const another = () =>
      openRig({ origin: gateway.origin, folder: rig.folder, holder: "another" });
    const left = ({ jobId } = job) =>
      until(
        async () => !(await rig.store.beat("this-process"))?.includes(jobId),
        "it is anybody's",
      );
    const answer = (reply: Reply) => {
      const hit = gateway.posts.at(-1);
      for (const response of held.splice(0)) if (hit) reply(response, hit);
    };
    const [fail, accept] = [() => answer(reset), () => answer(accepted)];
    return { rig, gateway, job, inFlight, end, another, left, fail, accept };
  }

  it("leaves what runs to another, whose end those hear of who wait at the first", async () => {
    let isOver = false;
    const look: Reply = (...asked) =>
      isOver ? completed("a.png")(...asked) : says("PROCESSING")(...asked);
    const { rig, gateway, job, inFlight, end, another, left, fail } = await busy(
      [look],
      [file(await picture())],
    );
    const waited = rig.runner.wait(job, { ms: 600_000 });
    end();
    await left();
    const next = await another();
    isOver = true;
    await next.reached(job, "completed");
    expect(await waited).toMatchObject({ state: "completed", charge: "spent" });
    expect(await rig.get(inFlight)).toMatchObject({ state: "submitting" });
    fail();
    await rig.close();
    expect(gateway.posts).toHaveLength(2);
  });

  it("leaves a file that was coming to another", async () => {
    let isComing = false;
    const begun: Reply = (response) => {
      response.writeHead(200, { "content-length": 1_000 });
      response.write("a beginning");
      isComing = true;
    };
    const { rig, job, inFlight, end, another, left, fail } = await busy(
      [completed("a.png")],
      [begun, file(await picture())],
    );
    await until(() => isComing, "the file is coming");
    end();
    await left();
    const next = await another();
    expect((await next.reached(job, "completed")).media).toHaveLength(1);
    expect(await rig.get(inFlight)).toMatchObject({ state: "submitting" });
    fail();
    await rig.close();
    expect((await next.get(job)).media).toHaveLength(1);
  });

  it("leaves what the provider accepts meanwhile, too", async () => {
    const { rig, job, inFlight, end, another, left, accept, gateway } = await busy(
      [completed("a.png")],
      [file(await picture())],
    );
    await rig.reached(job, "completed");
    end();
    accept();
    await rig.runner.settled();
    await left(inFlight);
    expect(await rig.get(inFlight)).toMatchObject({ state: "running" });
    await (await another()).reached(inFlight, "completed");
    expect(gateway.posts).toHaveLength(2);
  });
});

it("one that shares its record with nobody starts nothing", async () => {
  const { rig, gateway, answer } = await ending(false);
  await expect(rig.start()).rejects.toMatchObject({ code: "cancelled" });
  answer();
  await rig.close();
  expect(gateway.posts).toHaveLength(1);
});
