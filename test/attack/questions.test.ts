import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { Bench, listeningUrl } from "../e2e/harness.ts";
import { WAYS } from "../e2e/ways.ts";
import { afterReading, connectAsked, type Person, says } from "../support/asked-client.ts";

/* What somebody is asked before money is spent, through the built program and real clients. */

const DEAR = { LONGCAT_MCP_PRICES: '{"qwen_image_generate": 2}' };
const WISH = { prompt: "A cat on a roof", wait_seconds: 20 };

let bench: Bench;
beforeEach(async () => {
  bench = await Bench.open();
});
afterEach(() => bench.close());

async function connect(
  { kind, transport }: Pick<(typeof WAYS)[number], "kind" | "transport">,
  person: Person | undefined,
  env: Record<string, string> = DEAR,
) {
  // Without a session, clients of earlier revisions have nobody who could be asked over HTTP.
  const all = { ...env, LONGCAT_MCP_SESSIONS: "on" };
  const program = bench.launch(transport === "http" ? ["http", "--port", "0"] : [], all);
  const to = transport === "http" ? await listeningUrl(program) : program;
  return connectAsked(kind, to, person);
}

describe.each(WAYS)("a purchase above the limit, $kind over $transport", (way) => {
  it("is made once the user accepts it, who has seen what it is", async () => {
    const client = await connect(way, says("accept"));
    const text = await client.call("qwen_image_generate", WISH);
    expect(text).toContain("completed in");
    expect(bench.posts).toBe(1);
    expect(client.shown).toHaveLength(1);
    expect(client.shown[0]?.message).toBe(
      [
        "Buy qwen_image_generate for about $2.00?",
        "Spent or reserved today (UTC): $0.00, without a daily limit.",
        "You are asked above $1.00.",
        "It asks for: “A cat on a roof”",
      ].join("\n"),
    );
  });

  it.each(["decline", "cancel"] as const)(
    "is not made when they %s, whatever max_cost_usd says",
    async (action) => {
      const client = await connect(way, says(action));
      for (const more of [{}, { max_cost_usd: 5 }, { max_cost_usd: 5 }]) {
        const text = await client.call("qwen_image_generate", { ...WISH, ...more });
        expect(text).toContain("over_budget");
        expect(text).toContain("It would cost about $2.00");
        expect(text).toContain("Nothing was sent");
      }
      expect(client.shown).toHaveLength(3);
      expect(bench.posts).toBe(0);
      expect(await client.call("job_list", {})).not.toContain("job_");
    },
  );

  it("is not made when the answer comes too late", async () => {
    const late: Person = async () => {
      await new Promise((resolve) => setTimeout(resolve, 2_500));
      return { action: "accept" };
    };
    const client = await connect(way, late, { ...DEAR, LONGCAT_MCP_QUESTION_SECONDS: "1" });
    const text = await client.call("qwen_image_generate", WISH);
    expect(text).toContain("did not answer within 1 s");
    expect(text).toContain("above $1.00 a start must be confirmed");
    await afterReading();
    expect(bench.posts).toBe(0);
  });

  it("leaves the way over max_cost_usd only where nobody can be asked", async () => {
    const client = await connect(way, undefined);
    expect(await client.call("qwen_image_generate", WISH)).toContain(
      "call again with `max_cost_usd: 2`",
    );
    expect(bench.posts).toBe(0);
    expect(await client.call("qwen_image_generate", { ...WISH, max_cost_usd: 2 })).toContain(
      "completed in",
    );
    expect(bench.posts).toBe(1);
  });

  it("is asked for once by calls that want the same, and bought once", async () => {
    const client = await connect(way, says("accept"));
    const texts = await Promise.all([
      client.call("qwen_image_generate", WISH),
      client.call("qwen_image_generate", WISH),
    ]);
    expect(client.shown).toHaveLength(1);
    expect(bench.posts).toBe(1);
    for (const text of texts) expect(text).toContain("completed in");
  });

  it("asks for each of two that are wanted on purpose", async () => {
    const client = await connect(way, says("accept"));
    await Promise.all([
      client.call("qwen_image_generate", { ...WISH, force_new: true }),
      client.call("qwen_image_generate", { ...WISH, force_new: true }),
    ]);
    expect(client.shown).toHaveLength(2);
    expect(bench.posts).toBe(2);
  });

  it("is asked for below the limit too, once the same was turned down", async () => {
    const client = await connect(way, says("decline"));
    // Of this one no price is known, and the limit is the call's own.
    const wish = { prompt: "A dog", image_size: "square_hd", wait_seconds: 20 };
    expect(await client.call("qwen_image_max_generate", { ...wish, max_cost_usd: 1 })).toContain(
      "over_budget",
    );
    expect(await client.call("qwen_image_max_generate", wish)).toContain("turned the same down");
    expect(bench.posts).toBe(0);
  });

  it("buys nothing for a call that was over before its answer came", async () => {
    const gone = new AbortController();
    const client = await connect(way, async () => {
      gone.abort();
      await afterReading();
      return { action: "accept" };
    });
    await expect(client.call("qwen_image_generate", WISH, gone.signal)).rejects.toThrow();
    await afterReading();
    await afterReading();
    expect(bench.posts).toBe(0);
  });
});

it("a connection that ends with a question open buys nothing", async () => {
  const person: Person = async () => {
    await bench.programs[0]?.close();
    return { action: "accept" };
  };
  const client = await connect({ kind: "sdk 1.x", transport: "stdio" }, person);
  await client.call("qwen_image_generate", WISH).catch(() => undefined);
  expect(bench.posts).toBe(0);
});
