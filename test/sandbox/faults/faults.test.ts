import { describe, expect, it } from "vitest";
import type { Fault } from "../../../src/sandbox/sandbox-server.ts";
import { advanceWhenAwaited, finish, get, post } from "../client.ts";
import { editRequest, generateRequest, PATHS } from "../examples.ts";
import { JOB, openWith } from "../faulty.ts";

describe("faults of a request", () => {
  it("status: the documented body, or any other, and nothing is accepted", async () => {
    const { submit, charged } = await openWith(
      { kind: "status", status: 402 },
      { kind: "status", status: 429, headers: { "Retry-After": "7" } },
      { kind: "status", status: 502, body: "<html><h1>502</h1></html>" },
      { kind: "status", status: 400, body: { error: "Model not found", message: "gone" } },
    );
    const balance = await submit();
    expect(balance.status).toBe(402);
    expect(balance.json).toStrictEqual({
      error: "Insufficient Balance",
      message: "Your wallet does not have enough balance.",
    });
    const limited = await submit();
    expect(limited.status).toBe(429);
    expect(limited.headers["retry-after"]).toBe("7");
    const gateway = await submit();
    expect(gateway.status).toBe(502);
    expect(gateway.headers["content-type"]).toBe("text/html");
    expect(gateway.text).toContain("<h1>502");
    expect((await submit()).json).toStrictEqual({ error: "Model not found", message: "gone" });
    expect(charged()).toBe(0);
    expect((await submit()).status).toBe(202);
  });

  it("status: in the shape of the API that was called", async () => {
    const { sandbox } = await openWith({ kind: "status", status: 429, times: 2 });
    const legacy = await post(sandbox.origin + PATHS.legacy, { request_id: "abc" });
    expect(legacy.json).toStrictEqual({ error: "Rate limit exceeded, please retry later" });
    const chat = await post(`${sandbox.origin}/openai/v1/chat/completions`, {});
    expect(chat.json).toMatchObject({
      error: { type: "rate_limit_error", code: "rate_limit_exceeded" },
    });
  });

  it("reset-before: the connection drops and nothing was accepted", async () => {
    const { sandbox, submit, charged } = await openWith({ kind: "reset-before" });
    await expect(submit()).rejects.toThrow();
    expect(charged()).toBe(0);
    expect(sandbox.requests()[0]?.status).toBeUndefined();
    expect((await submit()).status).toBe(202);
  });

  it("reset-after: the connection drops though the job exists and is charged", async () => {
    const { sandbox, submit, charged } = await openWith({ kind: "reset-after" });
    await expect(submit()).rejects.toThrow();
    expect(charged()).toBe(1);
    const [lost] = sandbox.requests();
    expect(lost?.status).toBeUndefined();
    const status = await get(`${sandbox.origin}/v2/requests/status/${lost?.requestId}`);
    expect(status.json.status).toBe("QUEUED");
  });

  it("hang: charged, and silent until the sandbox closes", async () => {
    const { sandbox, submit, charged } = await openWith({ kind: "hang" });
    let settled = false;
    const reply = submit()
      .catch(() => "cut off")
      .finally(() => {
        settled = true;
      });
    while (charged() === 0) await get(`${sandbox.origin}/nowhere`);
    expect(settled).toBe(false);
    await sandbox.close();
    expect(await reply).toBe("cut off");
  });

  it("truncate: announces the whole reply and sends a part", async () => {
    const { sandbox, submit, charged } = await openWith({ kind: "truncate" });
    await expect(submit()).rejects.toThrow(/other side closed|terminated|aborted/i);
    expect(charged()).toBe(1);
    expect(sandbox.requests()[0]?.status).toBe(202);
  });

  it("not-json and empty-body: an unreadable reply to a charged request", async () => {
    const { submit, charged } = await openWith({ kind: "not-json" }, { kind: "empty-body" });
    const page = await submit();
    expect(page.status).toBe(200);
    expect(page.text).toMatch(/^<!doctype html>/);
    const empty = await submit();
    expect(empty.status).toBe(202);
    expect(empty.bytes).toHaveLength(0);
    expect(charged()).toBe(2);
  });

  it("redirect: points elsewhere, nothing is accepted", async () => {
    const location = "http://elsewhere.example/";
    const { submit, charged } = await openWith({ kind: "redirect", location });
    const reply = await submit();
    expect(reply.status).toBe(307);
    expect(reply.headers.location).toBe(location);
    expect(charged()).toBe(0);
  });

  it("slow: waits, and lets another fault strike after that", async () => {
    const { clock, submit } = await openWith(
      { kind: "status", status: 503 },
      { kind: "slow", ms: 5000 },
    );
    let settled = false;
    const reply = submit().finally(() => {
      settled = true;
    });
    await advanceWhenAwaited(clock, 4999);
    expect(settled).toBe(false);
    await clock.advance(1);
    expect((await reply).status).toBe(503);
  });
});

describe("when a fault strikes", () => {
  it("only matching requests, as often as said", async () => {
    const { sandbox, submit } = await openWith({
      kind: "status",
      status: 500,
      times: 2,
      match: { path: "/v2/requests/status/", method: "get", prompt: "storm" },
    });
    const calm = (await submit("calm")).json.polling_url;
    const storm = (await submit("a storm at sea")).json.polling_url;
    const seen = [];
    for (const url of [calm, storm, calm, storm, storm]) seen.push((await get(url)).status);
    expect(seen).toStrictEqual([200, 500, 200, 500, 200]);
    expect(sandbox.requests().filter(({ status }) => status === 500)).toHaveLength(2);
  });

  it.each([0, Number.POSITIVE_INFINITY])("always with times %d, until cleared", async (times) => {
    const { sandbox, submit } = await openWith({ kind: "status", status: 503, times });
    for (let n = 0; n < 4; n++) expect((await submit()).status).toBe(503);
    sandbox.faults.clear();
    expect((await submit()).status).toBe(202);
  });

  it("is never a thing that is not a fault", async () => {
    const { sandbox } = await openWith();
    const add = (fault: unknown) => post(`${sandbox.origin}/_sandbox/faults`, fault);
    for (const wrong of [{ kind: "earthquake" }, { kind: "status" }, { kind: "slow", ms: "x" }, 7])
      expect((await add(wrong)).status).toBe(400);
    expect((await get(`${sandbox.origin}/_sandbox/faults`)).json.faults).toStrictEqual([]);
  });
});

describe("faults of a job", () => {
  it("job-failed and job-error end it with their message; only the latter is not charged", async () => {
    const opened = await openWith(
      { kind: "job-failed", message: "image_too_large" },
      { kind: "job-error" },
    );
    const failed = await finish(opened, PATHS.turbo, JOB);
    expect(failed).toMatchObject({
      status: "FAILED",
      error: "image_too_large",
      output: null,
      completed_at: expect.any(String),
    });
    const errored = await finish(opened, PATHS.turbo, JOB);
    expect(errored).toStrictEqual({
      request_id: expect.any(String),
      status: "ERROR",
      model_id: "z-image-turbo-834",
      error: expect.any(String),
      output: null,
    });
    expect(opened.charged()).toBe(1);
    const file = `${opened.sandbox.origin}/v1/${failed.request_id}/output.png`;
    expect((await get(file)).status).toBe(404);
  });

  it("job-stuck never ends, and does not hold up others", async () => {
    const { sandbox, clock, submit } = await openWith({ kind: "job-stuck", times: 10 });
    const stuck = [];
    for (let n = 0; n < 10; n++) stuck.push((await submit()).json.polling_url);
    const other = (await submit()).json.polling_url;
    await clock.advance(1e9);
    for (const url of stuck) expect((await get(url)).json.status).toBe("PROCESSING");
    expect((await get(other)).json.status).toBe("COMPLETED");
    expect(sandbox.requests()).toHaveLength(22);
  });

  it("empty-media and media-url change the list of files", async () => {
    const urls = ["http://169.254.169.254/latest", "not an address"];
    const opened = await openWith({ kind: "empty-media" }, { kind: "media-url", urls });
    expect(await finish(opened, PATHS.turbo, JOB)).toMatchObject({
      status: "COMPLETED",
      output: { media_url: [] },
    });
    const replaced = await finish(opened, PATHS.turbo, JOB);
    expect(replaced.output.media_url).toStrictEqual(urls);
  });

  it("status-goes-backwards and unknown-status garble the way, not the end", async () => {
    const { clock, submit } = await openWith(
      { kind: "status-goes-backwards" },
      { kind: "unknown-status", status: "PONDERING" },
    );
    const backwards = (await submit()).json.polling_url;
    const unknown = (await submit()).json.polling_url;
    const status = async (url: string) => (await get(url)).json.status;
    await clock.advance(500);
    expect([await status(backwards), await status(backwards), await status(backwards)]).toEqual([
      "PROCESSING",
      "QUEUED",
      "PROCESSING",
    ]);
    expect(await status(unknown)).toBe("PONDERING");
    await clock.advance(5000);
    expect([await status(backwards), await status(backwards)]).toEqual(["QUEUED", "COMPLETED"]);
    expect(await status(unknown)).toBe("COMPLETED");
  });
});

describe("faults of a file", () => {
  async function openFile(...faults: Fault[]) {
    const opened = await openWith(...faults);
    const { output } = await finish(opened, PATHS.turbo, JOB);
    return { ...opened, url: output.media_url[0] ?? "" };
  }

  it("media-status, media-body and media-truncate, then the file itself", async () => {
    const svg = "<svg xmlns='http://www.w3.org/2000/svg'/>";
    const { url } = await openFile(
      { kind: "media-status", status: 503 },
      { kind: "media-body", body: svg, contentType: "image/svg+xml" },
      { kind: "media-body", body: "AAEC", encoding: "base64", contentType: "image/png" },
      { kind: "media-truncate" },
    );
    expect((await get(url)).status).toBe(503);
    const vector = await get(url);
    expect([vector.status, vector.headers["content-type"], vector.text]).toEqual([
      200,
      "image/svg+xml",
      svg,
    ]);
    expect([...(await get(url)).bytes]).toEqual([0, 1, 2]);
    await expect(get(url)).rejects.toThrow();
    expect((await get(url)).bytes.subarray(1, 4).toString()).toBe("PNG");
  });

  it("a fault of any request reaches files as well", async () => {
    const { url } = await openFile({
      kind: "redirect",
      location: "http://elsewhere.example/",
      match: { path: "/output" },
    });
    expect((await get(url)).status).toBe(307);
    expect((await get(url)).status).toBe(200);
  });
});

describe("faults of synchronous operations", () => {
  it("sync-queued answers as the queue does, and the job can be followed", async () => {
    const { sandbox, clock, charged } = await openWith({ kind: "sync-queued" });
    const { status, json } = await post(sandbox.origin + PATHS.generate, generateRequest());
    expect(status).toBe(202);
    expect(json).toMatchObject({
      status: "QUEUED",
      request_id: expect.stringMatching(/^qwen-image_/),
    });
    await clock.advance(5000);
    expect((await get(json.polling_url)).json.output.media_url).toHaveLength(1);
    expect(charged()).toBe(1);
  });

  it("sync-no-image answers 200 without one", async () => {
    const { sandbox, clock, charged } = await openWith({ kind: "sync-no-image", times: 2 });
    const generated = post(sandbox.origin + PATHS.generate, generateRequest());
    await advanceWhenAwaited(clock, 2000);
    expect((await generated).json).toStrictEqual({ images: [], description: "" });
    const edited = post(sandbox.origin + PATHS.edit, editRequest());
    await advanceWhenAwaited(clock, 2000);
    expect((await edited).json.output.choices[0]?.message.content).toStrictEqual([]);
    expect(charged()).toBe(2);
  });
});
