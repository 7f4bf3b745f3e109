import { expect, it, onTestFinished } from "vitest";
import { HOUR_MS } from "../../src/core/clock.ts";
import type { Job } from "../../src/jobs/job.ts";
import { WebhookAddresses } from "../../src/purchases/webhook-addresses.ts";
import type { Taker, WebhookCall } from "../../src/purchases/webhook-record.ts";
import { Webhooks } from "../../src/purchases/webhooks.ts";
import { Connection } from "../../src/storage/sqlite/connection.ts";
import { SqliteWebhookRecord } from "../../src/storage/sqlite/webhook-rows.ts";
import { FakeClock } from "../support/fake-clock.ts";
import { json, rawServer } from "../support/raw-server.ts";
import { openRig, type Rig, until } from "../support/rig.ts";
import { tempDir } from "../support/temp-dir.ts";
import { silentLog } from "../support/tool-deps.ts";

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const PLACE = "http://127.0.0.1:9";

/** A gateway that is told of webhooks and calls none, and ends a request when it is told to. */
async function silentGateway() {
  const ended = new Set<string>();
  const hooks = new Map<string, string>();
  const looks: string[] = [];
  const server = await rawServer((hit, response) => {
    if (hit.method === "POST") {
      const requestId = `longcat-image-498_${crypto.randomUUID()}`;
      hooks.set(requestId, String(hit.headers["x-webhook-url"]));
      return json(response, 202, { request_id: requestId, status: "QUEUED" });
    }
    const requestId = hit.path.split("/").at(-1) ?? "";
    looks.push(requestId);
    const status = ended.has(requestId) ? "ERROR" : "PROCESSING";
    return json(response, 200, { request_id: requestId, status, error: null, output: null });
  });
  return { origin: server.origin, ended, hooks, looks };
}

interface Shared {
  gateway: Awaited<ReturnType<typeof silentGateway>>;
  clock: FakeClock;
  folder: string;
}

async function newShared(): Promise<Shared> {
  return { gateway: await silentGateway(), clock: new FakeClock(), folder: await tempDir() };
}

/** Counts how often it is asked for what others have heard. */
class ListeningRecord extends SqliteWebhookRecord {
  asked = 0;

  override take(taker: Taker): Promise<WebhookCall[]> {
    this.asked++;
    return super.take(taker);
  }
}

/**
 * Jobs for which webhooks can come, on a clock of the test's own, at the pace of a real provider.
 * @param holder this process, of several that share what they work with.
 */
async function openHouse(shared?: Shared, holder = "this-process") {
  const { gateway, clock, folder } = shared ?? (await newShared());
  let addresses: WebhookAddresses | undefined;
  const rig: Rig = await openRig({
    ...{ origin: gateway.origin, clock, folder, holder, timeScale: 1 },
    webhooks: {
      next: async (job) => addresses?.next(job),
      isExpected: async (job) => addresses?.isExpected(job) ?? false,
    },
  });
  const connection = new Connection(`${folder}/data`);
  onTestFinished(() => connection.close());
  const record = new ListeningRecord(connection);
  const place = { url: PLACE, listen: async () => {} };
  addresses = new WebhookAddresses({
    ...{ record, place, clock, log: silentLog, reached: () => {} },
  });
  const { context, purchases, runner } = rig;
  const webhooks = new Webhooks({
    ...{ context, record, purchases, jobs: runner, isGone: () => false },
  });
  onTestFinished(() => webhooks.close());
  await webhooks.open();

  const looksAt = ({ requestId }: Job) => gateway.looks.filter((one) => one === requestId).length;
  const end = ({ requestId }: Job) => gateway.ended.add(requestId ?? "");
  return {
    ...{ clock, rig, record, looksAt, end },
    running: async () => rig.reached(await rig.start(), "running"),
    /** The provider calls, and says nothing that is believed. */
    async call({ requestId }: Job) {
      const secret =
        gateway.hooks
          .get(requestId ?? "")
          ?.split("/")
          .at(-1) ?? "";
      await webhooks.receive(secret, { request_id: requestId, status: "COMPLETED" });
      await clock.advance(0);
      await rig.quiet();
    },
    /** So much time, in steps in which answers come. */
    async pass(ms: number) {
      for (let left = ms; left > 0; left -= SECOND / 2) {
        await clock.advance(Math.min(left, SECOND / 2));
        await rig.quiet();
      }
    },
    /** How long until the next look at a job, in milliseconds. */
    async nextLook(job: Job) {
      const [before, since] = [looksAt(job), clock.elapsed()];
      await until(async () => {
        await clock.advance(SECOND / 2);
        await rig.quiet();
        return looksAt(job) > before;
      }, "a look");
      return clock.elapsed() - since;
    },
  };
}

type House = Awaited<ReturnType<typeof openHouse>>;

/** A job whose end a webhook tells. */
async function endToldByWebhook(house: House): Promise<void> {
  const job = await house.running();
  house.end(job);
  await house.call(job);
  await house.rig.reached(job, "errored");
  expect(house.looksAt(job)).toBe(1);
}

it("a webhook has a running job looked at without any time passing, and of many one look comes", async () => {
  const house = await openHouse();
  const job = await house.running();
  expect(house.looksAt(job)).toBe(0);
  await house.call(job);
  expect(house.looksAt(job)).toBe(1);
  for (let n = 0; n < 20; n++) await house.call(job);
  expect(house.looksAt(job)).toBe(1);
  await house.pass(2 * SECOND);
  expect(house.looksAt(job)).toBe(2);
  house.end(job);
  await house.pass(3 * SECOND);
  await house.rig.reached(job, "errored");
});

it("after three ends that webhooks told, jobs are looked at once a minute, and one that was not told ends that", async () => {
  const house = await openHouse();
  await endToldByWebhook(house);
  await endToldByWebhook(house);
  const before = await house.running();
  await house.nextLook(before);
  expect(await house.nextLook(before)).toBeLessThanOrEqual(10 * SECOND);
  await endToldByWebhook(house);

  const [told, forgotten] = [await house.running(), await house.running()];
  // The first look comes at its own pace: whoever tells of nothing is found out by it.
  expect(await house.nextLook(told)).toBeLessThanOrEqual(10 * SECOND);
  await house.pass(MINUTE - 5 * SECOND);
  expect([house.looksAt(told), house.looksAt(forgotten)]).toEqual([1, 1]);
  await house.pass(10 * SECOND);
  expect([house.looksAt(told), house.looksAt(forgotten)]).toEqual([2, 2]);

  // A webhook is faster than the minute, and polling alone finds what none tells of.
  house.end(told);
  await house.call(told);
  await house.rig.reached(told, "errored");
  const waiting = await house.running();
  await house.nextLook(waiting);
  house.end(forgotten);
  await house.nextLook(forgotten);
  await house.rig.reached(forgotten, "errored");
  expect(await house.nextLook(waiting)).toBeLessThanOrEqual(10 * SECOND);
  const later = await house.running();
  await house.nextLook(later);
  expect(await house.nextLook(later)).toBeLessThanOrEqual(10 * SECOND);
});

it("three ends that took longer than an hour are not enough", async () => {
  const house = await openHouse();
  await endToldByWebhook(house);
  house.clock.sleep(HOUR_MS / 2 + MINUTE);
  await endToldByWebhook(house);
  house.clock.sleep(HOUR_MS / 2);
  await endToldByWebhook(house);
  const job = await house.running();
  await house.nextLook(job);
  expect(await house.nextLook(job)).toBeLessThanOrEqual(10 * SECOND);
});

it("a webhook that reaches another process leads to a look within 500 ms, in the one that has the job", async () => {
  const shared = await newShared();
  const withThePort = await openHouse(shared, "with-the-port");
  const house = await openHouse(shared, "without-it");
  const job = await house.running();
  await withThePort.call(job);
  expect(house.looksAt(job)).toBe(0);
  await shared.clock.advance(500);
  await house.rig.quiet();
  expect(house.looksAt(job)).toBe(1);
  house.end(job);
  await house.pass(2 * SECOND);
  expect(await house.rig.reached(job, "errored")).toMatchObject({ orphaned: false });
});

it("whoever follows no job asks every two seconds what others have heard, not five times a second", async () => {
  const house = await openHouse();
  const askedIn = async (ms: number) => {
    const before = house.record.asked;
    await house.pass(ms);
    return house.record.asked - before;
  };
  expect(await askedIn(20 * SECOND)).toBeLessThanOrEqual(10);
  const job = await house.running();
  expect(await askedIn(2 * SECOND)).toBeGreaterThanOrEqual(8);
  house.end(job);
  await house.call(job);
  await house.rig.reached(job, "errored");
  expect(await askedIn(20 * SECOND)).toBeLessThanOrEqual(10);
});
