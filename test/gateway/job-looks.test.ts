import { describe, expect, it } from "vitest";
import { checkedId } from "../../src/gateway/pixazo.ts";
import {
  ACCEPTED,
  answering,
  client,
  gatewayThat,
  ID,
  KEY,
  PICTURE,
  queued,
  wire,
} from "../support/image-gateway.ts";
import { deadOrigin, json, rawServer } from "../support/raw-server.ts";

describe("a look at a job", () => {
  it("asks our own base, whatever address the gateway named", async () => {
    const elsewhere = await rawServer((_hit, response) => json(response, 200, {}));
    const { server, gateway } = await gatewayThat((hit, response) =>
      hit.method === "POST"
        ? json(response, 202, { ...ACCEPTED, polling_url: `${elsewhere.origin}/status/${ID}` })
        : json(response, 200, {
            request_id: ID,
            status: "PROCESSING",
            polling_url: `${elsewhere.origin}/status/${ID}`,
          }),
    );
    await gateway.submit(queued, wire);
    expect(await gateway.status(ID)).toMatchObject({ status: "processing", mediaUrls: [] });
    expect(server.hits.at(-1)).toMatchObject({
      method: "GET",
      path: `/v2/requests/status/${ID}`,
      headers: { "ocp-apim-subscription-key": KEY },
    });
    expect(elsewhere.connections).toBe(0);
  });

  it.each<[string, Record<string, unknown>, Record<string, unknown>]>([
    ["queued", { status: "QUEUED" }, { status: "queued", error: undefined }],
    ["running", { status: "Processing", error: null }, { status: "processing" }],
    ["an unknown status", { status: "WARMING" }, { status: "processing", rawStatus: "WARMING" }],
    ["no status", {}, { status: "processing", rawStatus: "" }],
    ["no status but a file", { output: { media_url: [PICTURE] } }, { status: "completed" }],
    [
      "a complaint while it runs",
      { status: "PROCESSING", error: "retrying" },
      { status: "processing", error: undefined },
    ],
    [
      "completed",
      { status: "COMPLETED", output: { media_url: [PICTURE] } },
      { status: "completed", mediaUrls: [PICTURE] },
    ],
    ["completed without a file", { status: "COMPLETED", output: null }, { mediaUrls: [] }],
    [
      "failed",
      { status: "FAILED", error: "CUDA" },
      { status: "failed", error: { code: "upstream_rejected" } },
    ],
    [
      "error",
      { status: "ERROR", error: "GPU" },
      { status: "error", error: { code: "upstream_unavailable" } },
    ],
    ["only an error", { error: "lost" }, { status: "failed" }],
  ])("%s", async (_what, body, expected) => {
    const { gateway } = await answering(200, body);
    const report = await gateway.status(ID);
    for (const [field, value] of Object.entries(expected)) {
      if (value === undefined) expect(report).toHaveProperty(field, undefined);
      else expect(report).toMatchObject({ [field]: value });
    }
  });

  it.each([
    [404, "not_found"],
    [401, "unauthorized"],
    [403, "forbidden"],
    [429, "rate_limited"],
    [500, "upstream_unavailable"],
    [503, "upstream_unavailable"],
    [302, "bad_upstream_reply"],
  ])("HTTP %i is %s", async (status, code) => {
    const elsewhere = await rawServer((_hit, response) => json(response, 200, {}));
    const { server, gateway } = await answering(status, "", { location: elsewhere.origin });
    await expect(gateway.status(ID)).rejects.toMatchObject({ code });
    expect(server.hits).toHaveLength(1);
    expect(elsewhere.connections).toBe(0);
  });

  it("with HTTP 429 that speaks of a quota is about money, and names the key", async () => {
    const { gateway } = await answering(429, { error: "You exceeded your current quota" });
    for (const look of [gateway.status(ID), gateway.legacyStatus(ID)]) {
      await expect(look).rejects.toMatchObject({
        code: "insufficient_credit",
        message: expect.stringMatching(/current quota.*PIXAZO_API_KEY.*Pixazo/),
      });
    }
  });

  it("that nobody answers", async () => {
    await expect(client(await deadOrigin()).status(ID)).rejects.toMatchObject({
      code: "upstream_unavailable",
    });
  });

  it("that brings a page", async () => {
    const { gateway } = await answering(200, "<html></html>");
    await expect(gateway.status(ID)).rejects.toMatchObject({ code: "bad_upstream_reply" });
  });

  it.each(["", "a", "../admin", "a/b", "a?b", "a#b", "a b", "a%2e", "é1", "x".repeat(201)])(
    "never sends %j as an id",
    async (id) => {
      const { server, gateway } = await answering(200, {});
      await expect(gateway.status(id)).rejects.toMatchObject({ code: "invalid_input" });
      expect(server.connections).toBe(0);
    },
  );

  it("takes the ids that the gateway gives", () => {
    for (const id of [ID, "XXXXXXXXXXXXX", "a.b:c-d_e"]) expect(checkedId(id)).toBe(id);
  });
});

describe("a second look at a job", () => {
  const body = { request_id: ID, status: "PROCESSING", error: null, output: null };

  it("that brings the same answer brings nothing new, and is not read again", async () => {
    const { server, gateway } = await answering(200, body);
    const { text } = await gateway.status(ID);
    expect(await gateway.statusSince(ID, text)).toBeUndefined();
    expect(server.hits).toHaveLength(2);
  });

  it.each<[string, number, unknown]>([
    ["another status", 200, { ...body, status: "COMPLETED", output: { media_url: [PICTURE] } }],
    ["one more blank", 200, `${JSON.stringify(body)} `],
  ])("that brings %s is read", async (_what, status, other) => {
    let looks = 0;
    const { gateway } = await gatewayThat((_hit, response) =>
      json(response, status, looks++ === 0 ? body : other),
    );
    const { text } = await gateway.status(ID);
    const second = await gateway.statusSince(ID, text);
    const said = typeof other === "string" ? body : other;
    expect(second?.rawStatus).toBe(Reflect.get(Object(said), "status"));
  });

  it("that is refused with the same words is refused", async () => {
    let looks = 0;
    const { gateway } = await gatewayThat((_hit, response) =>
      json(response, looks++ === 0 ? 200 : 503, body),
    );
    const { text } = await gateway.status(ID);
    await expect(gateway.statusSince(ID, text)).rejects.toMatchObject({
      code: "upstream_unavailable",
    });
  });

  it.each([
    ["a key is in it", { ...body, note: KEY }],
    ["a key is in it, escaped", { ...body, note: Buffer.from(KEY).toString("base64") }],
    ["it is long", { ...body, note: "x".repeat(1_000) }],
  ])("is read again where %s, and nothing of the answer is kept", async (_what, answer) => {
    const { gateway } = await answering(200, answer);
    const first = await gateway.status(ID);
    expect(first.text).toBeUndefined();
    expect(await gateway.statusSince(ID, first.text)).toEqual(first);
    expect(JSON.stringify(first)).not.toContain(KEY);
  });
});

describe("the older status endpoint", () => {
  it("is asked with a body, and tells progress and result", async () => {
    const { server, gateway } = await answering(200, {
      status: "completed",
      progress: 1.0,
      request_id: "XXXXXXXXXXXXX",
      result_url: PICTURE,
    });
    expect(await gateway.legacyStatus("XXXXXXXXXXXXX")).toMatchObject({
      status: "completed",
      progress: 1,
      mediaUrls: [PICTURE],
    });
    expect(server.hits).toMatchObject([
      {
        method: "POST",
        path: "/longcat-image-request-result",
        headers: { "ocp-apim-subscription-key": KEY, "content-type": "application/json" },
        body: '{"request_id":"XXXXXXXXXXXXX"}',
      },
    ]);
  });

  it.each<[string, Record<string, unknown>, string]>([
    ["running", { status: "processing", progress: 0.3 }, "processing"],
    ["an error field", { status: "processing", error: "model crashed" }, "failed"],
    ["success: false", { success: false }, "failed"],
    ["success: true", { success: true, status: "processing" }, "processing"],
    ["failed", { status: "failed" }, "failed"],
  ])("%s", async (_what, body, status) => {
    const { gateway } = await answering(200, body);
    expect((await gateway.legacyStatus("XXXXXXXXXXXXX")).status).toBe(status);
  });

  it.each([
    [404, { error: "Endpoint not found" }, "not_found"],
    [401, { error: "Invalid or missing authentication" }, "unauthorized"],
    [429, { error: "Rate limit exceeded, please retry later" }, "rate_limited"],
  ])("HTTP %i is %3$s", async (status, body, code) => {
    const { gateway } = await answering(status, body);
    await expect(gateway.legacyStatus("XXXXXXXXXXXXX")).rejects.toMatchObject({ code });
  });

  it.each([401, 403])("HTTP %i names the key and its provider", async (status) => {
    const { gateway } = await answering(status, { error: "No" });
    await expect(gateway.legacyStatus("XXXXXXXXXXXXX")).rejects.toMatchObject({
      message: expect.stringMatching(/PIXAZO_API_KEY.*Pixazo/),
      next: expect.stringMatching(/PIXAZO_API_KEY.*Pixazo/),
    });
  });
});
