import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { connectAsked, type Person, type PersonsAnswer } from "../support/asked-client.ts";
import { openAskedServer, QUESTION_MS } from "../support/asked-server.ts";
import { accepted, type Reply, reset } from "../support/gateway-script.ts";
import { CAT } from "../support/rig.ts";

/*
 * Every kind of question through both libraries and both transports. Their users answer on a clock
 * of the test's: what is instant is so however busy the machine is.
 */

const WAYS = (["sdk 1.x", "client 2.x"] as const).flatMap((kind) =>
  (["stdio", "http"] as const).map((transport) => ({ kind, transport })),
);
const DEAR = { LONGCAT_MCP_PRICES: '{"longcat_image_generate": 2}' };
const PAINT = "longcat_image_generate";

type Server = Awaited<ReturnType<typeof openAskedServer>>;

interface Kind {
  name: string;
  /** What a call asks with. */
  tool: string;
  args: (server: Server) => Record<string, unknown>;
  env?: Record<string, string>;
  /** What an accept chooses. */
  content?: Record<string, string>;
  isMoney: boolean;
}

/** Questions before something is bought: whether it was shows at the provider. */
const KINDS: Kind[] = [
  { name: "a dear purchase", tool: PAINT, args: () => CAT, env: DEAR, isMoney: true },
  {
    name: "one of unknown price",
    tool: "z_image_turbo_generate",
    args: () => ({ ...CAT, max_cost_usd: 1 }),
    isMoney: true,
  },
  {
    name: "a file outside",
    tool: "qwen_image_edit",
    args: ({ outside }) => ({ prompt: "Blue", image: join(outside, "cat.png") }),
    content: { choice: "once" },
    isMoney: false,
  },
  {
    name: "a place outside",
    tool: PAINT,
    args: ({ outside }) => ({ ...CAT, save_to: join(outside, "shelf", "cat.png") }),
    content: { choice: "once" },
    isMoney: false,
  },
];

/** A client on a server, whose user answers as the test says. */
async function connected(
  { kind, transport }: (typeof WAYS)[number],
  env: Record<string, string>,
  submit: Reply[],
) {
  const server = await openAskedServer({ submit }, env);
  let answer: Person = async () => ({ action: "cancel" });
  const client = await connectAsked(kind, await server.way(transport), (shown) => answer(shown));
  onTestFinished(() => client.close());
  const silent = await connectAsked(kind, await server.way(transport));
  onTestFinished(() => silent.close());
  const { clock } = server;
  /** @returns the text of the answer; nothing where the client itself has given up. */
  const ask = async (person: Person, tool: string, args: object, signal?: AbortSignal) => {
    let answered: Promise<unknown> = Promise.resolve();
    answer = (shown) => {
      const given = person(shown);
      answered = given.catch(() => undefined);
      return given;
    };
    // Nobody waits any more for what an earlier call has asked.
    clock.sleep(QUESTION_MS + 1);
    const text = await client.call(tool, { ...args }, signal).catch(() => "");
    // The clock is moved by one at a time.
    await answered;
    return text;
  };
  const answers =
    (ms: number, given: PersonsAnswer): Person =>
    async () => {
      await clock.advance(ms);
      return given;
    };
  return { server, client, silent, ask, answers, clock };
}

describe.each(WAYS)("$kind, $transport", (way) => {
  it.each(KINDS)("$name is gone on with by an accept alone", async (kind) => {
    const { tool, env = {}, content = {}, isMoney } = kind;
    const rig = await connected(way, env, [accepted]);
    const { server, client, silent, ask, answers, clock } = rig;
    const args = { ...kind.args(server), wait_seconds: 0 };
    const yes: PersonsAnswer = { action: "accept", content };
    const posts = () => server.gateway.posts.length;

    const gone = new AbortController();
    const afterTheCall: Person = async () => {
      gone.abort();
      await clock.advance(1_000);
      return yes;
    };
    const refused: [Person, string][] = [
      [answers(0, { action: "decline" }), "said no"],
      [answers(0, { action: "cancel" }), "closed the question"],
      [answers(5_000, { action: "decline" }), "said no"],
      [answers(QUESTION_MS + 1_000, yes), "did not answer within 300 s"],
      [() => Promise.reject(new Error("no screen")), ""],
      [async () => ({ ...yes, action: "maybe" as "accept" }), ""],
    ];
    if (isMoney) {
      refused.push([answers(0, yes), "faster than a person"], [answers(299, yes), "faster than"]);
    }
    for (const [person, said] of refused) {
      // Whatever the assistant allows, a person has not.
      for (const more of isMoney ? [{}, { max_cost_usd: 5 }] : [{}]) {
        expect(await ask(person, tool, { ...args, ...more })).toContain(said);
        expect(posts()).toBe(0);
      }
    }
    await ask(afterTheCall, tool, args, gone.signal);
    await silent.call("job_list", {});
    expect(posts()).toBe(0);
    const asked = client.shown.length;
    expect(asked).toBeGreaterThan(refused.length);

    expect(await ask(answers(isMoney ? 300 : 0, yes), tool, args)).toMatch(/job_[a-z2-7]{26}/);
    await expect.poll(posts).toBe(1);
    expect(client.shown).toHaveLength(asked + 1);
  });

  it("a dear purchase of a client that lets nobody be asked is left to max_cost_usd", async () => {
    const { server, silent } = await connected(way, DEAR, [accepted]);
    const refusal = await silent.call(PAINT, CAT);
    expect(refusal).toContain("call again with `max_cost_usd: 2`");
    expect(server.gateway.posts).toHaveLength(0);
    await silent.call(PAINT, { ...CAT, max_cost_usd: 2, wait_seconds: 0 });
    await expect.poll(() => server.gateway.posts.length).toBe(1);
  });

  it("a charge in doubt is settled by an accept with a choice alone", async () => {
    const { server, client, silent, ask, answers, clock } = await connected(way, {}, [reset]);
    const text = await silent.call(PAINT, { ...CAT, wait_seconds: 40 });
    const jobId = /job_[a-z2-7]{26}/.exec(text)?.[0] ?? "";
    const yes: PersonsAnswer = { action: "accept", content: { choice: "not charged" } };
    const charge = async () => {
      const { jobs } = await server.services.get();
      return (await jobs.get("local", jobId)).charge;
    };
    const open: Person[] = [
      answers(0, { action: "decline" }),
      answers(0, { action: "cancel" }),
      answers(0, yes),
      answers(299, yes),
      answers(5_000, { action: "accept", content: {} }),
      answers(5_000, { action: "accept", content: { choice: "decide later" } }),
      answers(QUESTION_MS + 1_000, yes),
      () => Promise.reject(new Error("no screen")),
    ];
    for (const person of open) {
      await ask(person, "job_status", { job_id: jobId });
      // Not again so soon, whatever would be said.
      await ask(answers(1_000, yes), "job_status", { job_id: jobId });
      await ask(answers(1_000, yes), PAINT, { ...CAT, wait_seconds: 40 });
      expect(await charge()).toBe("uncertain");
      clock.sleep(3_600_000);
    }
    expect(client.shown).toHaveLength(open.length);
    expect(await ask(answers(300, yes), "job_status", { job_id: jobId })).toContain("not charged");
    expect(await charge()).toBe("none");
    expect(server.gateway.posts).toHaveLength(1);
  });
});
