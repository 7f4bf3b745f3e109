import { exportJWK, generateKeyPair, SignJWT } from "jose";
import { beforeEach, describe, expect, it } from "vitest";
import { Logins } from "../../src/access/logins.ts";
import { FakeClock } from "../support/fake-clock.ts";
import { Issuer } from "../support/issuer.ts";

const AUDIENCE = "https://mcp.example.com/mcp";
const MINUTE = 60;

let issuer: Issuer;
let clock: FakeClock;
let logins: Logins;

beforeEach(async () => {
  clock = new FakeClock();
  issuer = await Issuer.open();
  logins = new Logins({ issuer: issuer.url, audience: AUDIENCE }, getJson, clock);
});

async function getJson(url: URL): Promise<unknown> {
  const reply = await fetch(url);
  if (!reply.ok) throw new Error(`HTTP ${reply.status}`);
  return reply.json();
}

const now = () => Math.floor(clock.now() / 1000);
const claims = (more: Record<string, unknown> = {}) => ({
  ...{ iss: issuer.url, aud: AUDIENCE, sub: "ada", exp: now() + 5 * MINUTE },
  scope: "jobs:read chat openid",
  ...more,
});
const without = (name: string) => {
  const { [name]: _, ...others } = claims() as Record<string, unknown>;
  return others;
};
const unsigned = (header: object, payload: object) =>
  [header, payload]
    .map((part) => Buffer.from(JSON.stringify(part)).toString("base64url"))
    .join(".");

describe("a login", () => {
  it("says who, what and until when", async () => {
    expect(await logins.read(await issuer.token(claims()))).toEqual({
      subject: "ada",
      scopes: new Set(["jobs:read", "chat"]),
      endsAt: (now() + 5 * MINUTE) * 1000,
    });
  });

  it.each(["RS256", "ES256", "EdDSA"])("may be signed with %s", async (alg) => {
    await issuer.addKey("other", alg);
    const token = await issuer.token(claims(), {}, "other", alg);
    expect(await logins.read(token)).toMatchObject({ subject: "ada" });
  });

  it.each([
    [{ scope: "jobs:buy" }, ["jobs:read", "jobs:buy"]],
    [{ scope: undefined, scp: "chat admin" }, ["chat", "admin"]],
    [{ scope: undefined, scp: ["chat", "jobs:read"] }, ["jobs:read", "chat"]],
    [{ scope: undefined }, []],
    [{ scope: "jobs:BUY jobs chat:admin" }, []],
  ])("with %j may do %j", async (more, scopes) => {
    const login = await logins.read(await issuer.token(claims(more)));
    expect(login).toMatchObject({ scopes: new Set(scopes) });
  });

  it.each([
    ["another typ", {}, { typ: "at+jwt" }],
    ["one of several audiences", { aud: ["https://other.example", AUDIENCE] }, {}],
    ["the address with a slash at its end", { aud: `${AUDIENCE}/` }, {}],
  ])("is taken with %s", async (_, more, header) => {
    expect(await logins.read(await issuer.token(claims(more), header))).toMatchObject({
      subject: "ada",
    });
  });

  it("is taken while clocks may differ by it, and no longer", async () => {
    const late = await logins.read(await issuer.token(claims({ exp: now() - 50 })));
    expect(late).toMatchObject({ endsAt: (now() + 10) * 1000 });
    const early = await logins.read(await issuer.token(claims({ nbf: now() + 50 })));
    expect(early).toMatchObject({ subject: "ada" });
  });

  it("may leave open which key has signed it", async () => {
    await issuer.addKey("second", "RS256");
    for (const kid of ["rs", "second"]) {
      const token = await issuer.token(claims(), { kid: undefined }, kid);
      expect(await logins.read(token)).toMatchObject({ subject: "ada" });
    }
  });
});

describe("what is no login", () => {
  const cases: Record<string, () => Promise<string> | string> = {
    "one that has expired": () => issuer.token(claims({ exp: now() - 61 })),
    "one of the future": () => issuer.token(claims({ nbf: now() + 61 })),
    "one for another server": () => issuer.token(claims({ aud: "https://other.example/mcp" })),
    "one for a server whose name begins alike": () =>
      issuer.token(claims({ aud: `${AUDIENCE}.evil` })),
    "one of another issuer": () => issuer.token(claims({ iss: "https://evil.example" })),
    "one of the issuer with a slash": () => issuer.token(claims({ iss: `${issuer.url}/` })),
    "one without an issuer": () => issuer.token(without("iss")),
    "one without an audience": () => issuer.token(without("aud")),
    "one without an end": () => issuer.token(without("exp")),
    "one without a subject": () => issuer.token(without("sub")),
    "one with an empty subject": () => issuer.token(claims({ sub: "" })),
    "one whose subject is no text": () => issuer.token(claims({ sub: 7 as never })),
    "one whose scopes are no texts": () => issuer.token(claims({ scope: { jobs: true } })),
    "one that nobody has signed": () => `${unsigned({ alg: "none" }, claims())}.`,
    "one that nobody has signed, with a signature": () =>
      `${unsigned({ alg: "None", kid: "rs" }, claims())}.AAAA`,
    "one with a key id that is not known": () => issuer.token(claims(), { kid: "other" }),
    "one that was changed": async () => {
      const [header, , signature] = (await issuer.token(claims())).split(".");
      const [, payload] = unsigned({}, claims({ sub: "ben" })).split(".");
      return `${header}.${payload}.${signature}`;
    },
    "one signed with the public key as a secret": async () => {
      const [key] = await issuer.publicKeys();
      const secret = Buffer.from(JSON.stringify(key));
      return new SignJWT(claims()).setProtectedHeader({ alg: "HS256", kid: "rs" }).sign(secret);
    },
    "one that brings its own key": async () => {
      const { privateKey, publicKey } = await generateKeyPair("ES256");
      const jwk = await exportJWK(publicKey);
      return new SignJWT(claims())
        .setProtectedHeader({ alg: "ES256", kid: "rs", jwk, jku: `${issuer.url}/foreign/keys` })
        .sign(privateKey);
    },
    "no token at all": () => "a.b.c",
  };

  it.each(Object.entries(cases))("%s", async (_, make) => {
    const read = await logins.read(await make());
    expect(read).toEqual({ refused: expect.stringMatching(/^The (token|claim) [\w ,:]+$/) });
    expect(issuer.asked.filter((path) => path.includes("foreign"))).toEqual([]);
  });

  it("one signed with a secret that the issuer publishes among its keys", async () => {
    const secret = new Uint8Array(32).fill(7);
    const k = Buffer.from(secret).toString("base64url");
    issuer.published = { keys: [{ kty: "oct", kid: "rs", k }] };
    const token = new SignJWT(claims()).setProtectedHeader({ alg: "HS256", kid: "rs" });
    expect(await logins.read(await token.sign(secret))).toHaveProperty("refused");
  });
});

describe("the issuer's keys", () => {
  const read = async (kid = "rs") => logins.read(await issuer.token(claims(), {}, kid));

  it("are asked for once, however many logins come", async () => {
    await Promise.all(Array.from({ length: 20 }, () => read()));
    expect(issuer.asked).toEqual(["/.well-known/oauth-authorization-server", "/keys"]);
  });

  it("may change: a new one is known within a minute, a withdrawn one forgotten", async () => {
    await read();
    const old = await issuer.token(claims({ exp: now() + 60 * MINUTE }));
    await issuer.addKey("new", "RS256");
    issuer.dropKey("rs");
    await clock.advance(11_000);
    expect(await read("new")).toMatchObject({ subject: "ada" });
    expect(await logins.read(old)).toHaveProperty("refused");
  });

  it("may change under one name", async () => {
    await read();
    await issuer.addKey("rs", "RS256");
    expect(await read()).toHaveProperty("refused");
    await clock.advance(60_000);
    expect(await read()).toMatchObject({ subject: "ada" });
  });

  it("are not asked for more often because somebody makes names up", async () => {
    await read();
    const before = issuer.asked.length;
    for (let n = 0; n < 50; n++) {
      await clock.advance(1_000);
      await logins.read(await issuer.token(claims(), { kid: `made-up-${n}` }));
    }
    expect(issuer.asked.length - before).toBeLessThanOrEqual(2 * 6);
  });

  it("hold for a while when the issuer is down, and not for ever", async () => {
    const token = await issuer.token(claims({ exp: now() + 60 * MINUTE }));
    await logins.read(token);
    issuer.isDown = true;
    await clock.advance(5 * 60_000);
    expect(await logins.read(token)).toMatchObject({ subject: "ada" });
    await clock.advance(6 * 60_000);
    await expect(logins.read(token)).rejects.toMatchObject({ code: "upstream_unavailable" });
  });

  it("are had as soon as an issuer that was down is there", async () => {
    issuer.isDown = true;
    await expect(read()).rejects.toMatchObject({ code: "upstream_unavailable" });
    issuer.isDown = false;
    await clock.advance(11_000);
    expect(await read()).toMatchObject({ subject: "ada" });
  });

  it("are those of the issuer that calls itself so", async () => {
    const other = new Logins({ issuer: `${issuer.url}/`, audience: AUDIENCE }, getJson, clock);
    const token = await issuer.token(claims({ iss: `${issuer.url}/` }));
    await expect(other.read(token)).rejects.toMatchObject({
      message: expect.stringContaining("LONGCAT_MCP_OAUTH_ISSUER must be to the letter"),
    });
  });

  it("are found below a path", async () => {
    const tenant = await Issuer.open("/tenant/1");
    const own = new Logins({ issuer: tenant.url, audience: AUDIENCE }, getJson, clock);
    const token = await tenant.token(claims({ iss: tenant.url }));
    expect(await own.read(token)).toMatchObject({ subject: "ada" });
    expect(tenant.asked[0]).toBe("/.well-known/oauth-authorization-server/tenant/1");
  });
});
