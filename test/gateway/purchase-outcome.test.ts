import { describe, expect, it } from "vitest";
import {
  ACCEPTED,
  answering,
  edit,
  generate,
  ID,
  KEY,
  PICTURE,
  queued,
  R3,
  R4,
  wire,
} from "../support/image-gateway.ts";
import { json, rawServer } from "../support/raw-server.ts";

describe("the outcome of a purchase that was answered", () => {
  it.each([
    ["edit", edit, "output.choices", R3],
    ["generate", generate, "images", R4],
    ["edit", edit, "images, the other one's shape", R4],
    ["generate", generate, "output.choices, the other one's shape", R3],
    [
      "edit",
      edit,
      "the queue's finished form",
      { status: "COMPLETED", output: { media_url: PICTURE } },
    ],
    ["a queued operation", queued, "a picture at once", R4],
  ])("%s answered with %3$s is finished", async (_name, one, _shape, body) => {
    const { gateway } = await answering(200, body);
    expect(await gateway.submit(one, {})).toMatchObject({ kind: "finished", mediaUrls: [PICTURE] });
  });

  it.each([
    ["edit", edit, 200],
    ["generate", generate, 202],
  ])("%s may be queued instead", async (_name, one, status) => {
    const { gateway } = await answering(status, { request_id: ID, status: "PROCESSING" });
    expect(await gateway.submit(one, {})).toEqual({ kind: "accepted", requestId: ID });
  });

  it.each([
    [400, { error: "Bad Request", message: "image_size" }, "upstream_rejected"],
    [400, { error: "Bad Request", message: "NSFW prompt" }, "content_rejected"],
    [400, { error: "Model not found", message: "Model 'x' not found" }, "upstream_rejected"],
    [401, { statusCode: 401, message: "Access denied" }, "unauthorized"],
    [402, { error: "Insufficient Balance", message: "Your wallet" }, "insufficient_credit"],
    [403, "<html><title>403 Forbidden</title></html>", "forbidden"],
    [404, "", "upstream_rejected"],
    [422, { detail: [{ msg: "field required" }] }, "upstream_rejected"],
  ])("HTTP %i %j is refused for good: %s", async (status, body, code) => {
    const { server, gateway } = await answering(status, body);
    expect(await gateway.submit(queued, wire)).toMatchObject({ kind: "refused", error: { code } });
    expect(server.hits).toHaveLength(1);
  });

  it("HTTP 429 was not taken, and says for how long", async () => {
    const { server, gateway } = await answering(429, { error: "Too Many" }, { "retry-after": "9" });
    expect(await gateway.submit(queued, wire)).toMatchObject({
      kind: "not_taken",
      error: { code: "rate_limited", retryAfterMs: 9_000 },
    });
    expect(server.hits).toHaveLength(1);
  });

  it("HTTP 429 that speaks of a quota is refused for good, and names the key", async () => {
    const error = { message: "Quota exceeded", code: "insufficient_quota" };
    for (const { gateway } of [
      await answering(429, { error }),
      await answering(200, { status_code: 429, error }),
    ]) {
      expect(await gateway.submit(edit, {})).toMatchObject({
        kind: "refused",
        error: {
          code: "insufficient_credit",
          message: expect.stringMatching(/Quota exceeded.*PIXAZO_API_KEY.*Pixazo/),
          next: expect.stringMatching(/PIXAZO_API_KEY.*Pixazo/),
        },
      });
    }
  });

  it.each<[unknown]>([
    [{ error: "The GPU is on fire" }],
    [{ success: false, message: "The GPU is on fire" }],
    [{ status: "FAILED", error: { message: "The GPU is on fire" } }],
    [{ status: "ERROR", output: { error: "The GPU is on fire" } }],
    [{ status_code: 400, message: "The GPU is on fire" }],
    [{ detail: [{ msg: "The GPU is on fire" }] }],
    [{ output: { choices: [] }, code: "The GPU is on fire" }],
  ])("HTTP 200 with an error inside keeps the provider's words: %j", async (body) => {
    for (const one of [queued, edit, generate]) {
      const { gateway } = await answering(200, body);
      const outcome = await gateway.submit(one, {});
      expect(outcome).toMatchObject({
        kind: expect.stringMatching(/^(?:refused|empty|uncertain)$/),
        error: { message: expect.stringContaining("The GPU is on fire") },
      });
    }
  });

  it.each([408, 500, 502, 503, 504, 520])("HTTP %i leaves it uncertain", async (status) => {
    const { server, gateway } = await answering(status, "<h1>Bad Gateway</h1>");
    expect(await gateway.submit(queued, wire)).toMatchObject({
      kind: "uncertain",
      error: { code: "outcome_unknown" },
    });
    expect(server.hits).toHaveLength(1);
  });

  it.each<[string, number, unknown]>([
    ["an HTML page", 200, "<html><title>Welcome</title></html>"],
    ["nothing", 202, ""],
    ["a list", 202, []],
    ["an object that says nothing", 202, {}],
    ["an id that is none", 202, { request_id: "../../admin", status: "QUEUED" }],
  ])("%s with a success status leaves it uncertain", async (_what, status, body) => {
    const { gateway } = await answering(status, body);
    expect(await gateway.submit(queued, wire)).toMatchObject({
      kind: "uncertain",
      error: { code: "bad_upstream_reply" },
    });
  });

  it("an id is enough to know that it was taken", async () => {
    const { gateway } = await answering(202, { request_id: ID });
    expect(await gateway.submit(queued, wire)).toEqual({ kind: "accepted", requestId: ID });
  });

  it.each<[string, unknown]>([
    ["without choices", { status_code: 200, request_id: "a", output: { choices: [] } }],
    ["with the documentation's placeholder", { images: [{ url: "[RESPONSE_URL]" }] }],
    ["empty", {}],
  ])("a synchronous answer %s has nothing to show for the money", async (_what, body) => {
    const { gateway } = await answering(200, body);
    expect(await gateway.submit(generate, {})).toMatchObject({
      kind: "empty",
      error: { code: "bad_upstream_reply" },
    });
  });

  it("a synchronous answer that carries another status counts as that", async () => {
    const bad = {
      status_code: 400,
      request_id: "a",
      code: "InvalidParameter",
      message: "bad size",
    };
    const refused = await answering(200, bad);
    expect(await refused.gateway.submit(edit, {})).toMatchObject({
      kind: "refused",
      error: { code: "upstream_rejected", message: expect.stringContaining("bad size") },
    });
    const broken = await answering(200, { status_code: 500, code: "InternalError" });
    expect(await broken.gateway.submit(edit, {})).toMatchObject({ kind: "uncertain" });
    const busy = await answering(200, { status_code: 429, code: "Throttling" });
    expect(await busy.gateway.submit(edit, {})).toMatchObject({ kind: "not_taken" });
  });

  it("a job that failed at once", async () => {
    const failed = await answering(202, { request_id: ID, status: "FAILED", error: "CUDA" });
    expect(await failed.gateway.submit(queued, {})).toMatchObject({ kind: "empty" });
    const error = await answering(202, { request_id: ID, status: "ERROR", error: "GPU" });
    expect(await error.gateway.submit(queued, {})).toMatchObject({
      kind: "refused",
      error: { code: "upstream_unavailable" },
    });
  });

  it("a redirect is not followed, and the key goes nowhere", async () => {
    const elsewhere = await rawServer((_hit, response) => json(response, 202, ACCEPTED));
    for (const status of [301, 302, 303, 307, 308]) {
      const { server, gateway } = await answering(status, "", {
        location: `${elsewhere.origin}/longcat-image-498/v1/longcat-image-request`,
      });
      expect(await gateway.submit(queued, wire)).toMatchObject({
        kind: "uncertain",
        error: { code: "bad_upstream_reply" },
      });
      expect(server.hits).toHaveLength(1);
    }
    expect(elsewhere.connections).toBe(0);
  });

  it("shows no key that the gateway echoes", async () => {
    const { gateway } = await answering(401, { error: `The key ${KEY} is not known` });
    const outcome = await gateway.submit(queued, wire);
    expect(JSON.stringify(outcome)).not.toContain(KEY);
    expect(outcome).toMatchObject({
      error: { message: expect.stringContaining("The key [key removed] is not known") },
    });
  });
});
