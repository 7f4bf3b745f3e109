import { describe, expect, it, onTestFinished } from "vitest";
import { createRedact } from "../../src/core/redact.ts";
import { HttpClient } from "../../src/gateway/http-client.ts";
import { checkedId, PixazoClient } from "../../src/gateway/pixazo.ts";
import { startSandbox } from "../../src/sandbox/sandbox-server.ts";
import { operation } from "../support/operations.ts";
import { type Answer, deadOrigin, json, rawServer, tcpServer } from "../support/raw-server.ts";

const KEY = "key-0123456789abcdef";
const ID = "longcat-image-498_019dabcd-0000-7000-8000-000000000000";
const PICTURE = "https://pub-582b7213209642b9b995c96c95a30381.r2.dev/v1/a/output.png";

const queued = operation("longcat_image_generate");
const edit = operation("qwen_image_edit");
const generate = operation("qwen_image_generate");
const wire = queued.prepare({ prompt: "A cat", image_size: "square_1_1" }).wire;

const ACCEPTED = { request_id: ID, status: "QUEUED", polling_url: `https://x.test/${ID}` };
const R3 = {
  status_code: 200,
  request_id: "3dac",
  output: { choices: [{ message: { content: [{ image: PICTURE }] } }] },
};
const R4 = { images: [{ file_name: "a.png", content_type: "image/png", url: PICTURE }] };

function client(origin: string, apiKey: string | undefined = KEY): PixazoClient {
  const http = new HttpClient();
  onTestFinished(() => http.close());
  return new PixazoClient({
    http,
    baseUrl: origin,
    legacyBaseUrl: origin,
    apiKey: () => apiKey,
    redact: createRedact([apiKey]),
  });
}

/** A gateway that gives the same answer to everything. */
async function gatewayThat(answer: Answer) {
  const server = await rawServer(answer);
  return { server, gateway: client(server.origin) };
}

const answering = (status: number, body: unknown, headers: Record<string, string> = {}) =>
  gatewayThat((_hit, response) => json(response, status, body, headers));

describe("a purchase", () => {
  it("is one POST of the body to the operation's path, with the key and nothing cached", async () => {
    const { server, gateway } = await answering(202, ACCEPTED);
    expect(await gateway.submit(queued, wire)).toEqual({ kind: "accepted", requestId: ID });
    expect(server.hits).toHaveLength(1);
    const hit = server.hits[0];
    expect(hit).toMatchObject({
      method: "POST",
      path: "/longcat-image-498/v1/longcat-image-request",
      headers: {
        "ocp-apim-subscription-key": KEY,
        "content-type": "application/json",
        "cache-control": "no-cache",
      },
    });
    expect(JSON.parse(hit?.body ?? "")).toEqual({ prompt: "A cat", image_size: "square_1_1" });
  });

  it("keeps a path that the base has", async () => {
    const server = await rawServer((_hit, response) => json(response, 202, ACCEPTED));
    await client(`${server.origin}/mirror/eu`).submit(queued, wire);
    expect(server.hits.map((hit) => hit.path)).toEqual([
      "/mirror/eu/longcat-image-498/v1/longcat-image-request",
    ]);
  });

  it("opens a connection of its own each time, so that none is stale", async () => {
    const { server, gateway } = await answering(202, ACCEPTED);
    for (let i = 0; i < 3; i++) await gateway.submit(queued, wire);
    expect(server.connections).toBe(3);
  });

  it("is not made without a key", async () => {
    const { server } = await answering(202, ACCEPTED);
    await expect(client(server.origin, "").submit(queued, wire)).rejects.toMatchObject({
      code: "configuration",
      next: expect.stringContaining("PIXAZO_API_KEY"),
    });
    expect(server.connections).toBe(0);
  });

  it("is not made with a key that no header can carry", async () => {
    const { server } = await answering(202, ACCEPTED);
    for (const key of ["“key-0123456789”", "key-0123\n456789"]) {
      await expect(client(server.origin, key).submit(queued, wire)).rejects.toMatchObject({
        code: "configuration",
        message: expect.not.stringContaining("0123"),
      });
    }
    expect(server.connections).toBe(0);
  });
});

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

describe("the outcome of a purchase that was not answered", () => {
  it("was not taken where nobody listens", async () => {
    const outcome = await client(await deadOrigin()).submit(queued, wire);
    expect(outcome).toMatchObject({
      kind: "not_taken",
      error: {
        code: "upstream_unavailable",
        message: expect.stringContaining("could not be reached: the connection was refused"),
      },
    });
  });

  it("is uncertain once it was sent: a reset after the request", async () => {
    const { server, gateway } = await gatewayThat((_hit, _response, request) => {
      request.socket.resetAndDestroy();
    });
    expect(await gateway.submit(queued, wire)).toMatchObject({
      kind: "uncertain",
      error: { code: "outcome_unknown", message: expect.stringContaining("was sent") },
    });
    expect(server.hits).toHaveLength(1);
  });

  it.each([
    ["is cut in the middle", 'HTTP/1.1 202 Accepted\r\ncontent-length: 500\r\n\r\n{"request_id'],
    ["is not HTTP", "SSH-2.0-OpenSSH_9.9\r\n"],
    ["breaks off in its head", "HTTP/1.1 202 Acc"],
  ])("is uncertain where the answer %s", async (_what, bytes) => {
    const server = await tcpServer((socket) => socket.once("data", () => socket.end(bytes)));
    expect(await client(server.origin).submit(queued, wire)).toMatchObject({ kind: "uncertain" });
    expect(server.connections).toBe(1);
  });

  it("is uncertain where the answer has no end", async () => {
    const { server, gateway } = await gatewayThat((_hit, response) => {
      response.writeHead(202, { "content-type": "application/json" });
      response.end(`{"request_id":"${"x".repeat(5 * 1024 * 1024)}"}`);
    });
    expect(await gateway.submit(queued, wire)).toMatchObject({
      kind: "uncertain",
      error: { message: expect.stringContaining("larger than") },
    });
    expect(server.hits).toHaveLength(1);
  });
});

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

describe("against the imitated provider", () => {
  it("a purchase is accepted, and its own id can be asked about", async () => {
    const sandbox = await startSandbox({ speed: 1000 });
    onTestFinished(() => sandbox.close());
    const gateway = client(sandbox.pixazoBaseUrl);
    const outcome = await gateway.submit(queued, queued.prepare(queued.example).wire);
    expect(outcome).toMatchObject({ kind: "accepted" });
    const requestId = outcome.kind === "accepted" ? outcome.requestId : "";
    expect(["queued", "processing", "completed"]).toContain(
      (await gateway.status(requestId)).status,
    );
  });

  it.each(["reset-before", "reset-after", "truncate", "not-json", "empty-body"] as const)(
    "%s leaves a purchase uncertain",
    async (kind) => {
      const sandbox = await startSandbox({ speed: 1000 });
      onTestFinished(() => sandbox.close());
      sandbox.faults.add({ kind });
      const outcome = await client(sandbox.pixazoBaseUrl).submit(queued, wire);
      expect(outcome).toMatchObject({ kind: "uncertain" });
    },
  );
});
