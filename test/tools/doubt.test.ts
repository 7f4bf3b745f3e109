import { describe, expect, it } from "vitest";
import type { Caller } from "../../src/core/caller.ts";
import { Lazy } from "../../src/core/lazy.ts";
import type { OpenPage } from "../../src/core/open-page.ts";
import { LOCAL_CALLER } from "../../src/core/owner.ts";
import type { WholeJob } from "../../src/jobs/job.ts";
import { settleByHand } from "../../src/jobs/settling.ts";
import type { ElicitationForm } from "../../src/questions/form.ts";
import { Questions } from "../../src/questions/user-questions.ts";
import type { Way } from "../../src/questions/way.ts";
import type { Call, Services } from "../../src/tools/services.ts";
import { createTools } from "../../src/tools/tool-list.ts";
import { Waits } from "../../src/tools/waits.ts";
import { memoryRecord } from "../support/asked-call-rig.ts";
import { FakeClock } from "../support/fake-clock.ts";
import { reset, scriptedGateway } from "../support/gateway-script.ts";
import { remoteCaller } from "../support/http-server.ts";
import { CAT, leftJob, OWNER, openRig, recordJob } from "../support/rig.ts";
import { idleToolDeps } from "../support/tool-deps.ts";

const TOOL = "longcat_image_generate";
const says = (choice: string) => ({ action: "accept", content: { choice } });

/** The tools on a gateway whose answers are lost, and a person whose client shows questions. */
async function openDoubt(more: { openPage?: OpenPage; sandbox?: boolean } = {}) {
  const gateway = await scriptedGateway({ submit: [reset] });
  const rig = await openRig({ origin: gateway.origin });
  const clock = new FakeClock();
  const questions = new Questions({
    clock,
    waitMs: 300_000,
    keep: async () => {},
    record: async () => record,
  });
  const record = memoryRecord();
  const deps = idleToolDeps();
  const services = new Lazy(
    async () => ({ jobs: rig.runner, purchases: rig.purchases, waits: new Waits(16) }) as Services,
  );
  await services.get();
  const { sandbox = false, openPage } = more;
  const settings = { ...deps.settings, apiKey: "key-0123456789", sandbox };
  const tools = createTools({ ...deps, settings, services, questions, openPage });
  const forms: ElicitationForm[] = [];
  const call = async (name: string, args: object, way?: Way, caller: Caller = LOCAL_CALLER) => {
    const own: Call = {
      ...{ caller, way, onDelivered: () => {}, progress: () => {} },
      signal: new AbortController().signal,
    };
    const result = await tools.find((tool) => tool.name === name)?.call(args, own);
    return (result?.content ?? []).map((one) => (one.type === "text" ? one.text : "")).join("\n");
  };
  /** A client that is asked within the call, and whose user answers after a second. */
  const within = (reply: unknown, before = async () => {}): Way => ({
    kind: "within",
    async send(form) {
      forms.push(form);
      await before();
      clock.sleep(1_000);
      return reply;
    },
  });
  const states: string[] = [];
  const between = (state?: string, reply?: unknown): Way => ({
    kind: "between",
    state,
    replies: { question: reply },
    send: ({ requestState = "" }) => {
      states.push(requestState);
    },
  });
  /** A job of which nobody knows whether it was charged. */
  const inDoubt = async () => {
    const text = await call(TOOL, { ...CAT, wait_seconds: 40 });
    const jobId = /job_[a-z2-7]{26}/.exec(text)?.[0] ?? "";
    expect(text).toContain("price stays reserved");
    return jobId;
  };
  const chargeOf = async (jobId: string) => (await rig.get({ jobId })).charge;
  return { rig, gateway, clock, call, within, between, states, forms, inDoubt, chargeOf };
}

describe("whoever is looked at in doubt", () => {
  it.each([
    ["charged", "spent", "settled it: it was charged.", "fetches what was paid for"],
    ["not charged", "none", "settled it: it was not charged.", `call \`${TOOL}\` again`],
  ])("is settled as %s by its person's word", async (said, charge, told, next) => {
    const { call, within, inDoubt, chargeOf, forms, rig, gateway } = await openDoubt();
    const jobId = await inDoubt();
    const heard: string[] = [];
    rig.events.subscribe(OWNER, (job) => heard.push(job.charge));
    const text = await call("job_status", { job_id: jobId }, within(says(said)));
    expect(await chargeOf(jobId)).toBe(charge);
    expect(text).toContain(`Note: The user was asked, and has ${told}`);
    expect(text.toLowerCase()).toContain(next.toLowerCase());
    expect(text).not.toContain("stays reserved");
    expect(forms[0]?.message).toContain(jobId);
    expect(heard).toContain(charge);
    // What is known is asked no more.
    await call("job_status", { job_id: jobId }, within(says(said)));
    expect(forms).toHaveLength(1);
    expect(gateway.posts).toHaveLength(1);
  });

  it.each([
    ["decline", { action: "decline" }, "did not want to say. Whether it was charged stays open."],
    ["cancel", { action: "cancel" }, "closed the question"],
    ["no choice", { action: "accept", content: {} }, "gave no answer"],
    ["another choice", says("spent"), "gave no answer"],
    ["decide later", says("decide later"), "and decides that later"],
  ])("stays in doubt on: %s", async (_, reply, told) => {
    const { call, within, inDoubt, chargeOf, forms } = await openDoubt();
    const jobId = await inDoubt();
    const text = await call("job_status", { job_id: jobId }, within(reply));
    expect(text).toContain(told);
    expect(text).toContain("price stays reserved");
    expect(text).toContain(`jobs settle ${jobId}`);
    expect(await chargeOf(jobId)).toBe("uncertain");
    // Nor is it asked in every look.
    const again = await call("job_status", { job_id: jobId }, within(says("charged")));
    expect(again).toContain("price stays reserved");
    expect(again).not.toContain("Note: The user");
    expect(forms).toHaveLength(1);
  });

  it("is settled by no argument of any call", async () => {
    const { call, inDoubt, chargeOf } = await openDoubt();
    const jobId = await inDoubt();
    for (const more of [{ charged: false }, { settle: "not charged" }, { choice: "not charged" }]) {
      expect(await call("job_status", { job_id: jobId, ...more })).toContain("invalid_input");
    }
    await call("job_cancel", { job_id: jobId });
    await call("job_delete", { job_id: jobId });
    expect(await chargeOf(jobId)).toBe("uncertain");
  });

  it("is not settled again when somebody was faster elsewhere", async () => {
    const { call, within, inDoubt, chargeOf, rig } = await openDoubt();
    const jobId = await inDoubt();
    const elsewhere = async () => {
      await settleByHand(rig.store, OWNER, jobId, "none", 1);
    };
    const text = await call("job_status", { job_id: jobId }, within(says("charged"), elsewhere));
    expect(await chargeOf(jobId)).toBe("none");
    expect(text).toContain("Nothing was charged.");
    expect(text).not.toContain("has settled it");
  });

  it("is asked about where somebody may change it, and never by who only reads", async () => {
    const { call, within, rig, forms, gateway } = await openDoubt();
    const theirs: WholeJob = leftJob({
      ...{ baseUrl: gateway.origin, owner: "ada", state: "unknown", charge: "uncertain" },
    });
    await recordJob(rig.store, theirs, "gone");
    const reader = remoteCaller("ada", { scopes: new Set(["jobs:read"] as const) });
    const look = (caller: Caller) =>
      call("job_status", { job_id: theirs.jobId }, within(says("not charged")), caller);
    await look(reader);
    await look(LOCAL_CALLER);
    expect(forms).toEqual([]);
    expect((await rig.store.get("ada", theirs.jobId))?.charge).toBe("uncertain");
  });
});

describe("a start that a job in doubt stands for", () => {
  it("asks about that job, and buys nothing whatever is said", async () => {
    const { call, within, inDoubt, chargeOf, gateway } = await openDoubt();
    const jobId = await inDoubt();
    const text = await call(TOOL, { ...CAT, wait_seconds: 40 }, within(says("not charged")));
    expect(text).toContain(jobId);
    expect(text).toContain("it was not charged");
    expect(text).toContain("An identical call");
    expect(await chargeOf(jobId)).toBe("none");
    expect(gateway.posts).toHaveLength(1);
    // What was not charged may be bought: by the next call, which is one of its own.
    await call(TOOL, { ...CAT, wait_seconds: 40 });
    expect(gateway.posts).toHaveLength(2);
  });

  it("buys nothing though it was settled elsewhere while somebody was asked", async () => {
    const { call, within, inDoubt, rig, gateway } = await openDoubt();
    const jobId = await inDoubt();
    const elsewhere = async () => {
      await settleByHand(rig.store, OWNER, jobId, "none", 1);
    };
    const wish = { ...CAT, wait_seconds: 40 };
    const text = await call(TOOL, wish, within({ action: "decline" }, elsewhere));
    expect(text).toContain(jobId);
    expect(gateway.posts).toHaveLength(1);
  });

  it("does the same where the question is the answer", async () => {
    const { call, between, states, inDoubt, rig, clock, gateway, chargeOf } = await openDoubt();
    const jobId = await inDoubt();
    const wish = { ...CAT, wait_seconds: 40 };
    expect(await call(TOOL, wish, between())).toBe("");
    clock.sleep(1_000);
    const later = await call(TOOL, wish, between(states[0], says("decide later")));
    expect(later).toContain("decides that later");
    expect(await chargeOf(jobId)).toBe("uncertain");
    clock.sleep(3_600_000);
    await call(TOOL, wish, between());
    clock.sleep(1_000);
    // Nothing stands for the call any more when its answer comes.
    await settleByHand(rig.store, OWNER, jobId, "none", 1);
    const text = await call(TOOL, wish, between(states[1], says("charged")));
    expect(text).toContain(jobId);
    expect(await chargeOf(jobId)).toBe("none");
    expect(gateway.posts).toHaveLength(1);
  });
});

describe("where nobody can be asked", () => {
  it("a page is opened, whose address no answer has", async () => {
    const opened: string[] = [];
    const openPage: OpenPage = async (path) => opened.push(path) > 0;
    const { call, inDoubt, chargeOf } = await openDoubt({ openPage });
    const jobId = await inDoubt();
    expect(opened).toEqual([]);
    for (const look of [
      () => call("job_status", { job_id: jobId }),
      () => call(TOOL, { ...CAT, wait_seconds: 40 }),
    ]) {
      const text = await look();
      expect(text).toContain("A page has been opened in the user's browser");
      expect(text).not.toMatch(/https?:|\/jobs\/|\/enter\//);
    }
    expect(opened).toEqual(Array(2).fill(`/jobs/${jobId}#settle`));
    expect(await chargeOf(jobId)).toBe("uncertain");
  });

  it("nothing else changes where none can be opened", async () => {
    const { call, inDoubt } = await openDoubt({ openPage: async () => false });
    const jobId = await inDoubt();
    const text = await call("job_status", { job_id: jobId });
    expect(text).not.toContain("browser");
    expect(text).toContain(`jobs settle ${jobId}`);
  });

  it.each(["a caller elsewhere", "the sandbox", "a client that asks"])(
    "none is for %s",
    async (who) => {
      const opened: string[] = [];
      const openPage: OpenPage = async (path) => opened.push(path) > 0;
      const { call, within, inDoubt, rig, gateway } = await openDoubt({
        ...{ openPage, sandbox: false },
      });
      const jobId = await inDoubt();
      if (who === "a client that asks") {
        await call("job_status", { job_id: jobId }, within({ action: "decline" }));
      } else if (who === "a caller elsewhere") {
        const theirs = leftJob({
          ...{ baseUrl: gateway.origin, owner: "ada", state: "unknown", charge: "uncertain" },
        });
        await recordJob(rig.store, theirs, "gone");
        await call("job_status", { job_id: theirs.jobId }, undefined, remoteCaller("ada"));
      } else {
        const imitated = await openDoubt({ openPage, sandbox: true });
        const other = leftJob({ baseUrl: gateway.origin, state: "unknown", charge: "uncertain" });
        await recordJob(imitated.rig.store, other, "gone");
        await imitated.call("job_status", { job_id: other.jobId });
      }
      expect(opened).toEqual([]);
    },
  );
});
