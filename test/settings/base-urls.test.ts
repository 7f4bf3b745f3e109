// biome-ignore-all lint/suspicious/noTemplateCurlyInString: hosts leave such values behind
import { describe, expect, it } from "vitest";
import { OPERATIONS } from "../../src/models/catalogue.ts";
import { check } from "../support/settings.ts";

describe("addresses", () => {
  it.each([
    "https://gateway.pixazo.ai",
    "HTTPS://Gateway.Pixazo.AI/",
    "https://gateway.pixazo.ai//",
    "https://gateway.pixazo.ai/v2/requests/status",
    "https://gateway.pixazo.ai/v2/requests/status/{request_id}",
    "https://gateway.pixazo.ai/longcat-image-498/v1",
    ...OPERATIONS.flatMap(({ path }) => [
      `https://gateway.pixazo.ai${path}`,
      `https://gateway.pixazo.ai${path}/`,
      `https://gateway.pixazo.ai/${path.split("/")[1]}/v1`,
    ]),
  ])("of the gateway: %s", (value) => {
    expect(check({ PIXAZO_BASE_URL: value })).toMatchObject({
      settings: { baseUrl: "https://gateway.pixazo.ai" },
      problems: [],
    });
  });

  it.each([
    "",
    "/",
    "/openai",
    "/openai/",
    "/openai/v1",
    "/openai/v1/chat/completions",
    "/openai/v1/chat/completions/",
    "/openai/v1/models",
    "/openai/v1/models/{model}",
    "/openai/v1/models/LongCat-2.0-Preview",
    "/anthropic",
    "/anthropic/v1",
    "/anthropic/v1/messages",
    "/anthropic/v1/models",
    "//openai//v1//",
  ])("of the chat platform: %s", (path) => {
    expect(check({ LONGCAT_BASE_URL: `https://api.longcat.chat${path}` })).toMatchObject({
      settings: { chatBaseUrl: "https://api.longcat.chat" },
      problems: [],
    });
  });

  it("of the older status", () => {
    const base = "https://gateway-falai-automate.appypie.workers.dev";
    for (const path of ["", "/", "/longcat-image-request-result"]) {
      expect(check({ PIXAZO_LEGACY_BASE_URL: base + path }).settings.legacyBaseUrl).toBe(base);
    }
  });

  it("keep a path of their own", () => {
    const value = "https://mirror.example/openai-proxy/v1/pixazo";
    expect(check({ PIXAZO_BASE_URL: `${value}/` }).settings.baseUrl).toBe(value);
    expect(check({ LONGCAT_BASE_URL: `${value}/openai/v1` }).settings.chatBaseUrl).toBe(value);
  });

  it.each([
    "gateway",
    "ftp://a.example",
    "https://",
    "https://a.example?x=1",
    "https://a.example/#x",
    "https://user:secret-word@a.example",
  ])("%s is none", (value) => {
    const { problems } = check({ PIXAZO_BASE_URL: value });
    expect(problems).toEqual([expect.stringMatching(/^PIXAZO_BASE_URL must/)]);
    expect(problems[0]).not.toContain("secret-word");
  });

  it.each([
    "http://localhost:8787",
    "http://127.1",
    "http://0x7f.1",
    "https://[::1]",
    "https://[::ffff:10.0.0.1]",
    "https://192.168.1.2",
    "https://10.0.0.1",
    "https://169.254.169.254",
    "https://machine",
    "https://machine.local",
    "https://a.internal.",
  ])("%s is no public address", (value) => {
    const wrong = [
      expect.stringMatching(/^LONGCAT_MCP_PUBLIC_URL must be .* that the provider can/),
    ];
    expect(check({ LONGCAT_MCP_PUBLIC_URL: value }).problems).toEqual(wrong);
    const local = { PIXAZO_BASE_URL: "http://127.0.0.1:4010", LONGCAT_MCP_PUBLIC_URL: value };
    expect(check(local).problems).toEqual([]);
    expect(check({ LONGCAT_MCP_SANDBOX: "1", LONGCAT_MCP_PUBLIC_URL: value }).problems).toEqual([]);
  });

  it("of the public kind are taken", () => {
    expect(check({ LONGCAT_MCP_PUBLIC_URL: "https://files.example.org/x/" })).toMatchObject({
      settings: { publicUrl: "https://files.example.org/x" },
      problems: [],
    });
  });
});
