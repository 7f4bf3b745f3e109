import { createHash } from "node:crypto";
import { describe, expect, it, onTestFinished } from "vitest";
import { Recorder } from "../../src/sandbox/recorder.ts";
import { startSandbox } from "../../src/sandbox/sandbox-server.ts";
import { call, get, openSandbox, post } from "./client.ts";
import { PATHS } from "./examples.ts";

const JOB = { prompt: "A lighthouse", image_size: "landscape_4_3" };

describe("the record of requests", () => {
  it("holds what was sent and what came of it", async () => {
    const { sandbox, clock } = await openSandbox();
    clock.jump(5);
    const { json } = await post(`${sandbox.origin}${PATHS.turbo}?a=b`, JOB, {
      "Ocp-Apim-Subscription-Key": "k1",
      "X-Webhook-URL": "https://example.com/hook",
    });
    await get(json.polling_url);
    const [submit, poll] = sandbox.requests();
    expect(submit).toMatchObject({
      at: Date.parse("2026-11-20T12:00:00.005Z"),
      method: "POST",
      path: `${PATHS.turbo}?a=b`,
      headers: {
        "ocp-apim-subscription-key": "k1",
        "x-webhook-url": "https://example.com/hook",
        "content-type": "application/json",
      },
      body: JOB,
      status: 202,
      requestId: json.request_id,
      charged: true,
    });
    expect(poll).toMatchObject({ method: "GET", status: 200, requestId: json.request_id });
    expect(poll?.charged).toBeUndefined();
    sandbox.clearRequests();
    expect(sandbox.requests()).toHaveLength(0);
  });

  it("shortens data URIs and long texts to what identifies them", async () => {
    const { sandbox } = await openSandbox();
    const uri = `data:image/png;base64,${"A".repeat(5000)}`;
    const prompt = "x".repeat(100_000);
    await post(sandbox.origin + PATHS.lora, { prompt, image_urls: [uri, "https://a.example/b"] });
    const sha256 = createHash("sha256").update(uri).digest("hex");
    expect(sandbox.requests()[0]?.body).toStrictEqual({
      prompt: expect.stringMatching(/^x{64}… \(100000 characters, sha256 [0-9a-f]{64}\)$/),
      image_urls: [
        expect.stringMatching(
          new RegExp(
            `^data:image/png;base64,A+… \\(${uri.length} characters, sha256 ${sha256}\\)$`,
          ),
        ),
        "https://a.example/b",
      ],
    });
  });

  it("keeps the newest only", async () => {
    const recorder = new Recorder();
    for (let n = 0; n < 25_000; n++)
      recorder.add({ at: n, method: "GET", path: "/", headers: {}, body: undefined }, 10);
    expect(recorder.list()).toHaveLength(10_000);
    expect(recorder.list()[0]?.at).toBe(15_000);
    for (let n = 0; n < 1000; n++)
      recorder.add({ at: n, method: "GET", path: "/", headers: {}, body: undefined }, 1e9);
    expect(recorder.list().length).toBeLessThan(1000);
    expect(recorder.list().at(-1)?.at).toBe(999);
  });
});

describe("the control routes", () => {
  it("show and clear the record, without keys and without themselves", async () => {
    const { sandbox } = await openSandbox();
    await post(sandbox.origin + PATHS.turbo, JOB, { "Ocp-Apim-Subscription-Key": "topsecret" });
    const url = `${sandbox.origin}/_sandbox/requests`;
    const shown = await get(url, {});
    expect(shown.json.requests).toHaveLength(1);
    expect(shown.json.requests[0]).toMatchObject({ path: PATHS.turbo, body: JOB, status: 202 });
    expect(shown.text).not.toContain("topsecret");
    expect((await call("DELETE", url, undefined, {})).status).toBe(204);
    expect((await get(url, {})).json.requests).toHaveLength(0);
  });

  it("plan, show and clear faults", async () => {
    const { sandbox } = await openSandbox();
    const url = `${sandbox.origin}/_sandbox/faults`;
    const planned = await post(url, [
      { kind: "status", status: 503, times: 0 },
      { kind: "job-failed", times: 2 },
    ]);
    expect(planned.status).toBe(201);
    expect((await get(url)).json.faults).toMatchObject([
      { fault: { kind: "status", status: 503 }, left: null },
      { fault: { kind: "job-failed" }, left: 2 },
    ]);
    expect((await post(sandbox.origin + PATHS.turbo, JOB)).status).toBe(503);
    expect((await call("DELETE", url, undefined, {})).status).toBe(204);
    expect((await post(sandbox.origin + PATHS.turbo, JOB)).status).toBe(202);
  });

  it("tell that the sandbox is well, and nothing to a web page", async () => {
    const { sandbox } = await openSandbox();
    const url = `${sandbox.origin}/_sandbox/health`;
    expect((await get(url, {})).text).toBe('{"ok":true,"jobs":0}');
    expect((await get(url, { Origin: "https://evil.example" })).status).toBe(403);
    expect((await get(url, { Host: "evil.example" })).status).toBe(403);
  });
});

describe("the server", () => {
  it("answers unknown paths and methods with 404", async () => {
    const { sandbox } = await openSandbox();
    for (const path of ["/", "/v1/nobody/output.png", PATHS.turbo]) {
      const reply = await get(sandbox.origin + path);
      expect(reply.status).toBe(404);
      expect(reply.json.error).toBe("Not Found");
    }
    expect((await post(`${sandbox.origin}/nowhere`, {})).status).toBe(404);
    const legacy = await get(sandbox.origin + PATHS.legacy);
    expect(legacy.json).toStrictEqual({ error: "Endpoint not found" });
  });

  it("takes the port it is told, and says so when it cannot", async () => {
    const { sandbox } = await openSandbox();
    const port = Number(new URL(sandbox.origin).port);
    expect(sandbox.pixazoBaseUrl).toBe(sandbox.origin);
    expect(sandbox.legacyBaseUrl).toBe(sandbox.origin);
    await expect(startSandbox({ port })).rejects.toMatchObject({ code: "configuration" });
    await sandbox.close();
    const again = await startSandbox({ port });
    onTestFinished(() => again.close());
    expect(again.origin).toBe(sandbox.origin);
  });

  it("works on the real clock as well", async () => {
    const sandbox = await startSandbox({ speed: 1e6 });
    onTestFinished(() => sandbox.close());
    const { json } = await post(sandbox.origin + PATHS.turbo, JOB);
    let status = json.status;
    while (status !== "COMPLETED") status = (await get(json.polling_url)).json.status;
    expect(sandbox.requests().at(-1)?.status).toBe(200);
  });

  it("closes at once with callbacks outstanding", async () => {
    const { sandbox, clock } = await openSandbox();
    await post(sandbox.origin + PATHS.turbo, JOB, {
      "Ocp-Apim-Subscription-Key": "k",
      "X-Webhook-URL": "http://127.0.0.1:1/",
    });
    expect(clock.pending).toBe(1);
    await sandbox.close();
    expect(clock.pending).toBe(0);
  });
});
