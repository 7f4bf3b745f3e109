import { createServer } from "node:http";
import {
  Client,
  type OAuthClientInformation,
  type OAuthClientProvider,
  type OAuthTokens,
  StreamableHTTPClientTransport,
  UnauthorizedError,
} from "@modelcontextprotocol/client";
import { Provider } from "oidc-provider";
import { afterEach, beforeEach, expect, onTestFinished, test, vi } from "vitest";
import { Bench, listeningUrl } from "../e2e/harness.ts";
import { freePort } from "../support/free-port.ts";

const REDIRECT = "http://127.0.0.1:9/back";

let bench: Bench;
beforeEach(async () => {
  bench = await Bench.open();
});
afterEach(async () => {
  vi.restoreAllMocks();
  await bench.close();
});

/** A real authorization server, which signs whoever comes in as `ada`. */
async function openProvider(audience: string): Promise<string> {
  const issuer = `http://127.0.0.1:${await freePort()}`;
  // It tells at length what a test need not configure.
  for (const way of ["info", "warn"] as const) vi.spyOn(console, way).mockImplementation(() => {});
  const provider = new Provider(issuer, {
    clients: [
      {
        client_id: "host",
        token_endpoint_auth_method: "none",
        redirect_uris: [REDIRECT],
        grant_types: ["authorization_code"],
        response_types: ["code"],
      },
    ],
    scopes: ["openid", "jobs:read", "jobs:buy", "chat", "admin"],
    features: {
      devInteractions: { enabled: true },
      resourceIndicators: {
        enabled: true,
        defaultResource: () => audience,
        useGrantedResource: () => true,
        getResourceServerInfo: () => ({
          scope: "jobs:read jobs:buy chat",
          audience,
          accessTokenFormat: "jwt",
          jwt: { sign: { alg: "RS256" } },
        }),
      },
    },
  });
  const server = createServer(provider.callback());
  await new Promise<void>((resolve) =>
    server.listen(Number(new URL(issuer).port), "127.0.0.1", resolve),
  );
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return issuer;
}

/** Fills in what the pages of the provider ask for. @returns the code that it sends back. */
async function signIn(start: URL): Promise<string> {
  const cookies = new Map<string, string>();
  const ask = async (url: URL, body?: string) => {
    const reply = await fetch(url, {
      redirect: "manual",
      headers: {
        cookie: [...cookies].map(([name, value]) => `${name}=${value}`).join("; "),
        ...(body ? { "content-type": "application/x-www-form-urlencoded" } : {}),
      },
      ...(body ? { method: "POST", body } : {}),
    });
    for (const cookie of reply.headers.getSetCookie()) {
      const [, name = "", value = ""] = /^([^=]+)=([^;]*)/.exec(cookie) ?? [];
      cookies.set(name, value);
    }
    return reply;
  };
  let url = start;
  let reply = await ask(url);
  for (let step = 0; step < 20; step++) {
    const location = reply.headers.get("location");
    if (location?.startsWith(REDIRECT)) return new URL(location).searchParams.get("code") ?? "";
    if (location) {
      url = new URL(location, url);
      reply = await ask(url);
      continue;
    }
    const page = await reply.text();
    const prompt = /name="prompt" value="(\w+)"/.exec(page)?.[1] ?? "";
    const action = /action="([^"]+)"/.exec(page)?.[1] ?? "";
    expect(action, page).not.toBe("");
    url = new URL(action, url);
    reply = await ask(url, `prompt=${prompt}&login=ada&password=any`);
  }
  return "";
}

test("a host finds the issuer by itself, its user logs in, and calls tools", async () => {
  const port = await freePort();
  const audience = `http://127.0.0.1:${port}/mcp`;
  const issuer = await openProvider(audience);
  const program = bench.launch(["http", "--port", String(port)], {
    LONGCAT_MCP_OAUTH_ISSUER: issuer,
    LONGCAT_MCP_OAUTH_AUDIENCE: audience,
  });
  const url = await listeningUrl(program);
  let sentTo: URL | undefined;
  let tokens: OAuthTokens | undefined;
  let verifier = "";
  const information: OAuthClientInformation = { client_id: "host" };
  const authProvider: OAuthClientProvider = {
    redirectUrl: REDIRECT,
    clientMetadata: { redirect_uris: [REDIRECT], client_name: "host" },
    clientInformation: () => ({ ...information, issuer }),
    tokens: () => tokens,
    saveTokens: (given) => {
      tokens = given;
    },
    redirectToAuthorization: (to) => {
      sentTo = to;
    },
    saveCodeVerifier: (given) => {
      verifier = given;
    },
    codeVerifier: () => verifier,
  };
  const connect = async () => {
    const client = new Client({ name: "host", version: "1" });
    const transport = new StreamableHTTPClientTransport(url, { authProvider });
    try {
      await client.connect(transport);
      return client;
    } catch (error) {
      if (!(error instanceof UnauthorizedError) || !sentTo) throw error;
      const iss = issuer;
      const back = new URLSearchParams({ code: await signIn(sentTo), iss });
      await transport.finishAuth(back);
      return undefined;
    }
  };
  expect(await connect()).toBeUndefined();
  expect(sentTo?.searchParams.get("resource")).toBe(audience);
  expect(sentTo?.searchParams.get("scope")).toContain("jobs:buy");
  const client = await connect();
  const names = (await client?.listTools())?.tools.map(({ name }) => name);
  expect(names).toContain("longcat_chat");
  expect(names).not.toContain("longcat_image_legacy_status");
  const spending = await client?.callTool({ name: "spending", arguments: {} });
  expect(JSON.stringify(spending)).toContain("total_usd");
  await client?.close();
  expect(program.stderr).not.toContain(tokens?.access_token);
});
