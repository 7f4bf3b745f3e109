import { describe, expect, it } from "vitest";
import { LOCAL_CALLER } from "../../src/core/owner.ts";
import {
  bearer,
  credential,
  KnownTokens,
  openHttpServer,
  PING,
  remoteCaller,
} from "../support/http-server.ts";

const RESOURCE = {
  issuer: "https://login.example.com",
  audience: "https://mcp.example.com/team/mcp",
};
const METADATA = "https://mcp.example.com/.well-known/oauth-protected-resource/team/mcp";

const tokens = () => new KnownTokens({ good: credential(remoteCaller("ada")) });
const open = (resource?: typeof RESOURCE) =>
  openHttpServer({ authenticator: tokens(), ...(resource ? { resource } : {}) });

const challengeOf = (reply: Response) => reply.headers.get("www-authenticate");

describe("with tokens alone", () => {
  it("whoever brings none is asked for one, and led nowhere", async () => {
    const server = await open();
    const reply = await server.send(PING);
    expect(reply.status).toBe(401);
    expect(challengeOf(reply)).toBe("Bearer");
    expect((await server.ask("/.well-known/oauth-protected-resource/mcp")).status).toBe(404);
    expect((await server.ask("/.well-known/oauth-authorization-server")).status).toBe(404);
  });

  it("a wrong one is said to be wrong", async () => {
    const reply = await (await open()).send(PING, bearer("wrong"));
    expect(reply.status).toBe(401);
    expect(challengeOf(reply)).toBe(
      'Bearer error="invalid_token", error_description="The token is not known. Whoever runs this server gives out tokens (longcat-mcp users add); nothing was done"',
    );
    expect(await reply.json()).toMatchObject({ error: "invalid_token" });
  });

  it("the right one is served", async () => {
    const server = await open();
    for (const authorization of ["Bearer good", "bearer good", "BEARER  good "]) {
      expect((await server.send(PING, { authorization })).status).toBe(200);
    }
  });

  it.each([
    "good",
    "Basic Z29vZDo=",
    "Bearer",
    "Bearer good good",
    "Bearer good, Bearer good",
    "Bearer ,good",
    'Bearer "good"',
  ])("nothing else is taken for a token: %s", async (authorization) => {
    const reply = await (await open()).send(PING, { authorization });
    expect(reply.status).toBe(401);
    expect(challengeOf(reply)).toContain('error="invalid_token"');
  });

  it("a token in the address is none", async () => {
    const server = await open();
    const reply = await server.ask("/mcp?access_token=good", {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ ...PING, access_token: "good" }),
    });
    expect(reply.status).toBe(401);
  });

  it.each(["GET", "DELETE", "PUT", "OPTIONS"])("%s is asked for a token too", async (method) => {
    expect((await (await open()).ask("/mcp", { method })).status).toBe(401);
  });

  it("refused requests are told of, with the address they came from", async () => {
    const authenticator = tokens();
    const server = await openHttpServer({ authenticator });
    await server.send(PING);
    await server.send(PING, bearer("wrong"));
    await server.send(PING, bearer("good"));
    expect(authenticator.refusals).toEqual(["127.0.0.1"]);
  });
});

describe("with an issuer", () => {
  it("whoever brings no token is led to where one is had", async () => {
    const reply = await (await open(RESOURCE)).send(PING, { host: "localhost" });
    expect(reply.status).toBe(401);
    expect(challengeOf(reply)).toBe(
      `Bearer scope="jobs:read jobs:buy chat", resource_metadata="${METADATA}"`,
    );
  });

  it("a wrong one as well", async () => {
    const reply = await (await open(RESOURCE)).send(PING, bearer("wrong"));
    expect(challengeOf(reply)).toMatch(/^Bearer error="invalid_token", .*resource_metadata="/);
    expect(challengeOf(reply)).toContain(METADATA);
  });

  it.each(["/.well-known/oauth-protected-resource/mcp", new URL(METADATA).pathname])(
    "%s tells where logins come from, whatever the request calls us",
    async (path) => {
      const server = await open(RESOURCE);
      const document = await (await server.ask(path)).json();
      expect(document).toMatchObject({
        resource: RESOURCE.audience,
        authorization_servers: [RESOURCE.issuer],
        scopes_supported: ["jobs:read", "jobs:buy", "chat", "admin"],
        bearer_methods_supported: ["header"],
      });
    },
  );
});

describe("until users exist", () => {
  it("this machine is asked for nothing, and from then on for a token", async () => {
    const authenticator = tokens();
    authenticator.isOpen = true;
    const server = await openHttpServer({ authenticator });
    expect((await server.send(PING)).status).toBe(200);
    authenticator.isOpen = false;
    expect((await server.send(PING)).status).toBe(401);
  });

  it("a page that will be allowed may not call yet", async () => {
    const authenticator = tokens();
    authenticator.isOpen = true;
    const origin = "https://app.example.com";
    const front = { hosts: [], origins: [origin], isProxy: () => true };
    const server = await openHttpServer({ authenticator }, { front });
    expect((await server.send(PING, { origin })).status).toBe(403);
    expect((await server.send(PING, { "x-forwarded-for": "1.2.3.4" })).status).toBe(403);
  });
});

it("without any access, all are the one user of this machine", async () => {
  expect(LOCAL_CALLER.isRemote).toBe(false);
  expect((await (await openHttpServer(undefined)).send(PING)).status).toBe(200);
});

it("whoever cannot be asked about is told to come back", async () => {
  const authenticator = tokens();
  authenticator.verify = () => Promise.reject(new Error("the store is away"));
  const reply = await (await openHttpServer({ authenticator })).send(PING, bearer("good"));
  expect(reply.status).toBe(503);
  expect(reply.headers.get("retry-after")).toBe("5");
  const text = await reply.text();
  expect(text).toContain("nothing was done. Try again in 5 s");
  expect(text).not.toContain("store is away");
});

describe("pages of allowed origins", () => {
  const origin = "https://app.example.com";
  const openWith = () =>
    openHttpServer(
      { authenticator: tokens() },
      { front: { hosts: [], origins: [origin], isProxy: () => false } },
    );
  const preflight = (from: string) => ({
    method: "OPTIONS",
    headers: {
      origin: from,
      "access-control-request-method": "POST",
      "access-control-request-headers": "authorization, content-type, mcp-protocol-version",
    },
  });

  it("may ask whether they may call, without a token", async () => {
    const reply = await (await openWith()).ask("/mcp", preflight(origin));
    expect(reply.status).toBe(204);
    expect(reply.headers.get("access-control-allow-origin")).toBe(origin);
    expect(reply.headers.get("access-control-allow-methods")).toContain("POST");
    expect(reply.headers.get("access-control-allow-headers")).toMatch(/authorization/i);
    expect(reply.headers.get("access-control-allow-credentials")).toBeNull();
  });

  it("read the answer and its challenge", async () => {
    const server = await openWith();
    for (const headers of [{ origin }, { origin, ...bearer("good") }]) {
      const reply = await server.send(PING, headers);
      expect(reply.headers.get("access-control-allow-origin")).toBe(origin);
      expect(reply.headers.get("access-control-expose-headers")).toContain("WWW-Authenticate");
      expect(reply.headers.get("vary")).toMatch(/origin/i);
    }
  });

  it.each(["https://evil.example", "http://localhost:6274", "null"])(
    "and no others: %s",
    async (other) => {
      const reply = await (await openWith()).ask("/mcp", preflight(other));
      expect(reply.status).toBeGreaterThanOrEqual(400);
      expect(reply.headers.get("access-control-allow-origin")).toBeNull();
    },
  );
});
