import { describe, expect, it } from "vitest";
import { openChatRig, stream } from "../support/chat-rig.ts";
import { json, rawServer } from "../support/raw-server.ts";
import { OWNER } from "../support/rig.ts";

const IN_USD = 0.000001;
const OUT_USD = 0.00001;

/** A platform that prints prices, unless it is told otherwise, and says what each turn has used. */
async function platform({ prices = true, usage = true } = {}) {
  const server = await rawServer((hit, response) => {
    if (hit.method === "GET") {
      const pricing = prices ? { prompt: String(IN_USD), completion: String(OUT_USD) } : undefined;
      return json(response, 200, { id: "LongCat-2.0-Preview", pricing });
    }
    const said = { choices: [{ index: 0, delta: { content: "Yes." }, finish_reason: "stop" }] };
    const used = { choices: [], usage: { prompt_tokens: 1_000, completion_tokens: 200 } };
    return stream(
      response,
      ...[said, ...(usage ? [used] : [])].map((one) => `data: ${JSON.stringify(one)}\n\n`),
    );
  });
  const turns = () => server.hits.filter(({ method }) => method === "POST");
  return { ...server, turns, looks: () => server.hits.length - turns().length };
}

const caps = (perDayUsd: number) => ({ perDayUsd, perMonthUsd: undefined });

describe("a turn where a cap holds and prices are printed", () => {
  it("sets its longest answer aside, and then counts what it has used", async () => {
    const { origin } = await platform();
    const rig = await openChatRig({ origin, caps: caps(1) });
    const asked = await rig.ask("Yes or no?", { maxTokens: 1_000 });
    expect(asked.charge).toBe("reserved");
    expect(asked.reservedUsd).toBeGreaterThanOrEqual(0.01);
    expect(asked.reservedUsd).toBeLessThan(0.0101);
    const done = await rig.reached(asked, "completed");
    expect(done).toMatchObject({ charge: "spent", costUsd: 0.003 });
    expect(await rig.store.committed(OWNER, asked.createdAt)).toMatchObject({ todayUsd: 0.003 });
  });

  it("is refused above the cap, before anything is sent", async () => {
    const { origin, turns } = await platform();
    const rig = await openChatRig({ origin, caps: caps(0.015) });
    await rig.reached(await rig.ask("One?", { maxTokens: 1_000 }), "completed");
    await expect(rig.ask("Two?", { maxTokens: 1_250 })).rejects.toMatchObject({
      code: "over_budget",
    });
    await expect(rig.ask("As long as you like?")).rejects.toMatchObject({ code: "over_budget" });
    expect(turns()).toHaveLength(1);
  });

  it("counts what was set aside where nobody says what it has used", async () => {
    const { origin } = await platform({ usage: false });
    const rig = await openChatRig({ origin, caps: caps(1) });
    const asked = await rig.ask("Yes or no?", { maxTokens: 1_000 });
    const done = await rig.reached(asked, "completed");
    expect(done).toMatchObject({ charge: "spent", costUsd: asked.reservedUsd });
  });
});

describe("a turn is never refused for its price", () => {
  it("where none is printed", async () => {
    const { origin } = await platform({ prices: false });
    const rig = await openChatRig({ origin, caps: caps(0) });
    const done = await rig.reached(await rig.ask("Yes or no?"), "completed");
    expect(done).toMatchObject({ charge: "none", reservedUsd: 0 });
  });

  it("where no cap holds: nobody is asked for prices then", async () => {
    const { origin, looks } = await platform();
    const rig = await openChatRig({ origin });
    const done = await rig.reached(await rig.ask("Yes or no?"), "completed");
    expect(done).toMatchObject({ charge: "none" });
    expect(looks()).toBe(0);
  });
});
