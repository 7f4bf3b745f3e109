import type { ServerResponse } from "node:http";
import { expect, it } from "vitest";
import { accepted, completed, file, scriptedGateway } from "../support/gateway-script.ts";
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

it("one that shares its record with nobody starts nothing", async () => {
  const { rig, gateway, answer } = await ending(false);
  await expect(rig.start()).rejects.toMatchObject({ code: "cancelled" });
  answer();
  await rig.close();
  expect(gateway.posts).toHaveLength(1);
});
