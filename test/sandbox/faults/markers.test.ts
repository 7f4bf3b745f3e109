import { describe, expect, it } from "vitest";
import { finish, get, post } from "../client.ts";
import { generateRequest, PATHS } from "../examples.ts";
import { JOB, openWith } from "../faulty.ts";

const CHAT = "/openai/v1/chat/completions";

describe("faults written into the prompt", () => {
  it("strike every time, or as often as the prompt says", async () => {
    const { submit } = await openWith();
    const always = "A storm [[fault:status=502]]";
    expect([(await submit(always)).status, (await submit(always)).status]).toEqual([502, 502]);
    const twice = "A storm [[fault:status=429;times=2;retry-after=3]]";
    const first = await submit(twice);
    expect([first.status, first.headers["retry-after"]]).toEqual([429, "3"]);
    expect([(await submit(twice)).status, (await submit(twice)).status]).toEqual([429, 202]);
    expect((await submit("A storm")).status).toBe(202);
  });

  it("reach the status requests and the files of their own job only", async () => {
    const opened = await openWith();
    const { clock, submit } = opened;
    const marked = "A storm [[fault:status=500;on=poll;times=1]] [[fault:media-status=403]]";
    const { status, json } = await submit(marked);
    const calm = (await submit()).json;
    expect(status).toBe(202);
    await clock.advance(5000);
    expect((await get(calm.polling_url)).status).toBe(200);
    expect((await get(json.polling_url)).status).toBe(500);
    const [file = ""] = (await get(json.polling_url)).json.output.media_url;
    expect((await get(file)).status).toBe(403);
    expect((await get(file)).status).toBe(403);
  });

  it.each([
    ["[[fault:job-failed=the cat left]]", { status: "FAILED", error: "the cat left" }],
    ["[[fault:job-error]]", { status: "ERROR" }],
    ["[[fault:job-stuck]]", { status: "PROCESSING" }],
    ["[[fault:empty-media]]", { status: "COMPLETED", output: { media_url: [] } }],
    ["[[fault:media-url=a,b]]", { output: { media_url: ["a", "b"] } }],
  ])("%s", async (marker, expected) => {
    const opened = await openWith();
    const body = { ...JOB, prompt: `A cat ${marker} here` };
    expect(await finish(opened, PATHS.turbo, body)).toMatchObject(expected);
  });

  it("work for operations without a prompt, in the picture's address", async () => {
    const opened = await openWith();
    const image_url = `https://example.com/a.png?x=${encodeURIComponent("[[fault:job-failed]]")}`;
    expect((await finish(opened, PATHS.layered, { image_url })).status).toBe("FAILED");
  });

  it.each(["[[fault:nonsense]]", "[[fault:status=abc]]", "[[fault:status=500;on=monday]]"])(
    "%s is refused",
    async (marker) => {
      const { submit } = await openWith();
      const reply = await submit(marker);
      expect(reply.status).toBe(400);
      expect(reply.json.message).toContain(marker);
    },
  );

  const picture = (text: string) => ({ ...JOB, prompt: text });
  const synchronous = (text: string) => ({
    ...generateRequest(),
    input: { messages: [{ role: "user", content: [{ text }] }] },
  });
  const talk = (content: string) => ({
    model: "LongCat-2.0-Preview",
    messages: [{ role: "user", content }],
  });

  it.each([
    ["a queue job's fault", PATHS.generate, synchronous, "[[fault:job-failed]]"],
    ["the status of what has none", PATHS.generate, synchronous, "[[fault:status=500;on=poll]]"],
    ["a file's fault of a status", PATHS.turbo, picture, "[[fault:media-status=404;on=poll]]"],
    ["a synchronous answer's fault", PATHS.turbo, picture, "[[fault:sync-no-image]]"],
    ["a stream's fault of a picture", PATHS.turbo, picture, "[[fault:stream-cut]]"],
    ["a stream's fault of a whole answer", CHAT, talk, "[[fault:stream-cut]]"],
    ["a file's fault of an answer", CHAT, talk, "[[fault:media-truncate]]"],
  ])("cannot ask for %s", async (_, path, write, marker) => {
    const { sandbox, charged } = await openWith();
    const headers = { Authorization: "Bearer some-key" };
    const reply = await post(sandbox.origin + path, write(`A cat ${marker}`), headers);
    expect(reply.status).toBe(400);
    expect(reply.text).toContain(`${marker}\\" in the prompt cannot happen to this request`);
    expect(charged()).toBe(0);
  });

  it("may give a synchronous operation the faults of a job that it is turned into", async () => {
    const { sandbox, clock } = await openWith();
    const marked = synchronous("A cat [[fault:sync-queued]] [[fault:job-failed]]");
    const { json } = await post(sandbox.origin + PATHS.generate, marked);
    await clock.advance(5000);
    expect((await get(json.polling_url)).json.status).toBe("FAILED");
  });

  it("mean nothing in a long document", async () => {
    const { submit } = await openWith();
    const reply = await submit(`[[fault:status=500]] ${"long ".repeat(2000)}`);
    expect(reply.status).toBe(202);
  });
});
