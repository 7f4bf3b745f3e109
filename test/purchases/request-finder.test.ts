import { describe, expect, it, onTestFinished } from "vitest";
import type { Job } from "../../src/jobs/job.ts";
import { isOfOperation, RequestFinder } from "../../src/purchases/request-finder.ts";
import { FakeClock } from "../support/fake-clock.ts";
import { json, rawServer } from "../support/raw-server.ts";
import { leftJob, OWNER, openRig, recordJob, until } from "../support/rig.ts";

const newRequestId = () => `longcat-image-498_${crypto.randomUUID()}`;

/** What comes of a webhook for a job in doubt, when the gateway says so of the request it names. */
async function sought(say: (requestId: string) => object, requestId = newRequestId()) {
  let looks = 0;
  const server = await rawServer((_hit, response) => {
    looks++;
    json(response, 200, say(requestId));
  });
  const clock = new FakeClock();
  const rig = await openRig({ origin: server.origin, clock, timeScale: 1 });
  const job = leftJob({ baseUrl: "https://a.example", state: "unknown", charge: "uncertain" });
  await recordJob(rig.store, job, "another-process");
  const found: Job[] = [];
  let over = 0;
  const finder = new RequestFinder({
    context: rig.context,
    goOn: (one) => found.push(one),
    over: async () => {
      over++;
    },
  });
  onTestFinished(() => finder.stop());
  finder.seek({ owner: OWNER, jobId: job.jobId, requestId });
  await clock.advance(0);
  await until(() => over > 0);
  return { found, looks, requestId, stored: await rig.get(job) };
}

describe("a request that a webhook names is its job's", () => {
  it.each([
    ["names it", (request_id: string) => ({ request_id, status: "PROCESSING" })],
    ["names it, and nothing else", (request_id: string) => ({ request_id })],
    ["says only how it stands", () => ({ status: "QUEUED" })],
    [
      "names the model as well",
      (request_id: string) => ({ request_id, model_id: "longcat-image-498", status: "QUEUED" }),
    ],
  ])("where the gateway %s", async (_, say) => {
    const { found, requestId, stored } = await sought(say);
    expect(found.map((one) => one.requestId)).toEqual([requestId]);
    expect(stored).toMatchObject({ state: "running", requestId, orphaned: true });
  });
});

describe("a request that a webhook names is not its job's", () => {
  it.each([
    ["says nothing", () => ({})],
    ["says nothing of how it stands", () => ({ status: "" })],
    ["names another", () => ({ request_id: newRequestId(), status: "QUEUED" })],
    [
      "names another model",
      (request_id: string) => ({ request_id, model_id: "z-image-turbo-834", status: "QUEUED" }),
    ],
  ])("where the gateway %s", async (_, say) => {
    const { found, stored } = await sought(say);
    expect(found).toEqual([]);
    expect(stored).toMatchObject({ state: "unknown", charge: "uncertain", requestId: null });
  });

  it("where its id is of another operation: then nobody is asked", async () => {
    const other = `z-image-turbo-834_${crypto.randomUUID()}`;
    const { found, looks } = await sought(
      (request_id) => ({ request_id, status: "QUEUED" }),
      other,
    );
    expect({ found, looks }).toEqual({ found: [], looks: 0 });
    expect(isOfOperation(other, { operation: "longcat_image_generate" })).toBe(false);
    expect(isOfOperation(other, { operation: "z_image_turbo_generate" })).toBe(true);
  });
});
