import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { Bench, listeningUrl } from "../e2e/harness.ts";
import type { ClientKind } from "../e2e/mcp-client.ts";
import { WAYS } from "../e2e/ways.ts";
import { afterReading, connectAsked, type Person, says } from "../support/asked-client.ts";

/* A charge that nobody knows, which only a person settles, through the built program and real clients. */

const TOOL = "longcat_image_generate";
const WISH = { prompt: "A small boat at sea", image_size: "landscape_4_3", wait_seconds: 40 };
const CHOICES = ["charged", "not charged", "decide later"];

let bench: Bench;
beforeEach(async () => {
  bench = await Bench.open();
});
afterEach(() => bench.close());

interface Connecting {
  kind: ClientKind;
  transport: "stdio" | "http";
}

/** A client on a job of which nobody knows whether it was charged. */
async function inDoubt({ kind, transport }: Connecting, person: Person | undefined, env = {}) {
  const args = transport === "http" ? ["http", "--port", "0"] : [];
  const program = bench.launch(args, { LONGCAT_MCP_SESSIONS: "on", ...env });
  const client = await connectAsked(
    kind,
    transport === "http" ? await listeningUrl(program) : program,
    person,
  );
  bench.sandbox.faults.add({ kind: "reset-before", match: { method: "POST" } });
  const text = await client.call(TOOL, WISH);
  expect(text).toContain("price stays reserved");
  const jobId = /job_[a-z2-7]{26}/.exec(text)?.[0] ?? "";
  const look = () => client.call("job_status", { job_id: jobId });
  const sums = async () => JSON.parse(await client.call("spending", {}));
  return { client, program, jobId, look, sums };
}

describe.each(WAYS)("what may have been charged, $kind over $transport", (way) => {
  it("is settled by an accept with a choice, and the answer goes on from there", async () => {
    const { client, jobId, look, sums } = await inDoubt(way, says("accept", { choice: "charged" }));
    // The call that has sent it asks nothing: nobody can have looked yet.
    expect(client.shown).toEqual([]);
    const text = await look();
    expect(text).toContain("Note: The user was asked, and has settled it: it was charged.");
    expect(text).toContain("its request_id fetches what was paid for");
    expect(client.shown).toHaveLength(1);
    expect(client.shown[0]?.message).toContain(`Was ${TOOL} charged, for about $0.13?`);
    expect(client.shown[0]?.message).toContain(jobId);
    expect(client.shown[0]?.requestedSchema).toMatchObject({
      properties: { choice: { enum: CHOICES } },
      required: ["choice"],
    });
    expect(await sums()).toMatchObject({ total_usd: 0.13, uncertain_usd: 0 });
    await look();
    expect(client.shown).toHaveLength(1);
  });

  it("is settled in the start that it stands for, which buys nothing; the next one may", async () => {
    const { client, jobId, sums } = await inDoubt(way, says("accept", { choice: "not charged" }));
    const text = await client.call(TOOL, WISH);
    expect(text).toContain(jobId);
    expect(text).toContain("it was not charged");
    expect(bench.posts).toBe(1);
    expect(await sums()).toMatchObject({ total_usd: 0, uncertain_usd: 0 });
    expect(await client.call(TOOL, WISH)).toContain("completed in");
    expect(bench.posts).toBe(2);
  });

  it("stays open on whatever is no accept with a choice, and is not asked at once again", async () => {
    const answers: Person[] = [
      says("decline"),
      says("cancel"),
      says("accept"),
      says("accept", { choice: "not_charged" }),
      says("accept", { choice: "decide later" }),
      () => Promise.reject(new Error("no screen")),
    ];
    const left = [...answers];
    const person: Person = async (shown) => (await left.shift()?.(shown)) ?? { action: "cancel" };
    const { client, look, sums } = await inDoubt(way, person);
    const looks = [look];
    for (const n of answers.slice(1).keys()) {
      bench.sandbox.faults.add({ kind: "reset-before", match: { method: "POST" } });
      const text = await client.call(TOOL, { ...WISH, prompt: `A boat, ${n}` });
      const job_id = /job_[a-z2-7]{26}/.exec(text)?.[0] ?? "";
      looks.push(() => client.call("job_status", { job_id }));
    }
    for (const one of looks) {
      // One of the libraries ends a call by itself whose question its own user's side fails at.
      expect(await one().catch(() => "price stays reserved")).toContain("price stays reserved");
      expect(await one()).toContain("price stays reserved");
    }
    expect(await client.call(TOOL, WISH)).toContain("An identical call");
    expect(client.shown).toHaveLength(answers.length);
    expect((await sums()).uncertain_usd).toBeCloseTo(answers.length * 0.13);
    expect(bench.posts).toBe(answers.length);
  });

  it("stays open when the answer comes too late, or after the call", async () => {
    const late: Person = async () => {
      await new Promise((resolve) => setTimeout(resolve, 2_500));
      return { action: "accept", content: { choice: "not charged" } };
    };
    const { look, sums } = await inDoubt(way, late, { LONGCAT_MCP_QUESTION_SECONDS: "1" });
    expect(await look()).toContain("did not answer within 1 s");
    await afterReading();
    expect(await sums()).toMatchObject({ uncertain_usd: 0.13 });
  });

  it("is nothing that a client without questions can settle", async () => {
    const { client, jobId, look, sums } = await inDoubt(way, undefined);
    expect(await look()).toContain(`jobs settle ${jobId} charged`);
    const claims = { job_id: jobId, choice: "not charged" };
    expect(await client.call("job_status", claims)).toContain("invalid_input");
    expect(await sums()).toMatchObject({ uncertain_usd: 0.13 });
  });
});

it("the answer of a call that was given up settles nothing", async () => {
  const gone = new AbortController();
  const person: Person = async () => {
    gone.abort();
    await afterReading();
    return { action: "accept", content: { choice: "not charged" } };
  };
  const { client, jobId, sums } = await inDoubt({ kind: "sdk 1.x", transport: "stdio" }, person);
  const look = client.call("job_status", { job_id: jobId }, gone.signal);
  await expect(look).rejects.toThrow();
  await afterReading();
  expect(await sums()).toMatchObject({ uncertain_usd: 0.13 });
});

it("a turn of the delegate in doubt is settled in the same way", async () => {
  const program = bench.launch([]);
  const client = await connectAsked("client 2.x", program, says("accept", { choice: "charged" }));
  bench.sandbox.faults.add({ kind: "reset-before", match: { method: "POST" } });
  const started = await client.call("longcat_chat", { prompt: "Which word?", wait_seconds: 40 });
  const jobId = /job_[a-z2-7]{26}/.exec(started)?.[0] ?? "";
  expect(started).toContain("unknown");
  const text = await client.call("job_status", { job_id: jobId });
  expect(client.shown[0]?.message).toContain("LongCat's console");
  expect(text).toContain("has settled it: it was charged");
});
