import { describe, expect, it, onTestFinished } from "vitest";
import { startSandbox } from "../../src/sandbox/sandbox-server.ts";
import {
  ACCEPTED,
  answering,
  client,
  gatewayThat,
  ID,
  KEY,
  queued,
  wire,
} from "../support/image-gateway.ts";
import { deadOrigin, json, rawServer, tcpServer } from "../support/raw-server.ts";

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
