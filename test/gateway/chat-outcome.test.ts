import { describe, expect, it } from "vitest";
import { ask, type Heard, KEY } from "../support/chat-platform.ts";
import { json, rawServer } from "../support/raw-server.ts";

describe("a refusal", () => {
  const refusing = async (
    status: number,
    body: unknown,
    headers: Record<string, string> = {},
  ): Promise<Heard> => {
    const { origin } = await rawServer((_hit, response) => json(response, status, body, headers));
    return ask(origin);
  };
  const x4 = (message: string, type: string, code: string | number) => ({
    error: { message, type, code },
  });

  it.each([
    [
      "401 for a wrong key",
      401,
      x4("Invalid API key provided", "authentication_error", "invalid_api_key"),
      "unauthorized",
    ],
    [
      "401 for a missing key",
      401,
      {
        error: {
          code: "invalid_api_key",
          message: "missing_api_key",
          type: "authentication_error",
        },
      },
      "unauthorized",
    ],
    [
      "402",
      402,
      x4("Insufficient token quota", "permission_error", "insufficient_quota"),
      "insufficient_credit",
    ],
    [
      "403 for the quota",
      403,
      x4("API key has insufficient quota", "permission_error", "insufficient_quota"),
      "insufficient_credit",
    ],
    ["403 otherwise", 403, x4("Not yours", "permission_error", "forbidden"), "forbidden"],
    [
      "400",
      400,
      x4("json format error", "invalid_request_error", "invalid_format"),
      "upstream_rejected",
    ],
    [
      "400 in Anthropic's own form",
      400,
      { type: "error", error: { type: "invalid_request_error", message: "json format error" } },
      "upstream_rejected",
    ],
    [
      "404 for a model",
      404,
      x4("Model not found", "invalid_request_error", "model_not_found"),
      "upstream_rejected",
    ],
    ["a redirect", 307, "", "bad_upstream_reply"],
  ])("with %s ends it", async (_name, status, body, code) => {
    const { outcome, accepted } = await refusing(status, body);
    expect(outcome).toMatchObject({ kind: "refused", error: { code } });
    expect(accepted).toBe(0);
  });

  it("with a page for 404 says that the base URL is likely wrong", async () => {
    const { outcome } = await refusing(
      404,
      "<html>\r\n<head><title>404 Not Found</title></head>\r\n<body><center>openresty</center></body></html>",
      { "content-type": "text/html" },
    );
    expect(outcome).toMatchObject({
      kind: "refused",
      error: { code: "configuration", next: expect.stringContaining("LONGCAT_BASE_URL") },
    });
  });

  it.each([429, 403])("with %i that speaks of a quota is about money at once", async (status) => {
    const { outcome } = await refusing(status, x4("No", "permission_error", "insufficient_quota"));
    expect(outcome).toMatchObject({
      kind: "refused",
      error: {
        code: "insufficient_credit",
        message: expect.stringMatching(/LONGCAT_API_KEY.*LongCat/),
        next: expect.stringMatching(/LONGCAT_API_KEY.*LongCat/),
      },
    });
  });

  it("inside an answer that said 200 keeps the provider's words", async () => {
    for (const error of [
      x4("The GPU is on fire", "server_error", 500).error,
      "The GPU is on fire",
    ]) {
      const { outcome } = await refusing(200, { error });
      expect(outcome).toMatchObject({
        error: { message: expect.stringContaining("The GPU is on fire") },
      });
    }
  });

  it.each([
    ["in the text only", {}, "Rate limit exceeded. Please try again in 60 seconds", undefined],
    ["in the body", {}, "Slow down", 60],
    ["in the header", { "retry-after": "60" }, "Slow down", undefined],
  ])("with 429 may be sent again after the seconds %s", async (_name, headers, message, field) => {
    const error = { message, type: "rate_limit_error", code: "rate_limit_exceeded" };
    const body = { error: field === undefined ? error : { ...error, retry_after: field } };
    const { outcome } = await refusing(429, body, headers);
    expect(outcome).toMatchObject({
      kind: "not_taken",
      error: { code: "rate_limited", retryAfterMs: 60_000 },
    });
  });

  it("with 503 may be sent again", async () => {
    const { outcome } = await refusing(503, "<h1>Service Unavailable</h1>");
    expect(outcome).toMatchObject({ kind: "not_taken", error: { code: "upstream_unavailable" } });
  });

  it.each([
    [
      "500 with a numeric code",
      500,
      {
        error: {
          object: "error",
          message: "boom",
          type: "InternalServerError",
          param: null,
          code: 500,
          ext: {},
        },
      },
    ],
    ["502 with a page", 502, "<html>Bad Gateway</html>"],
    ["504", 504, ""],
  ])("with %s leaves open what became of it", async (_name, status, body) => {
    const { outcome } = await refusing(status, body);
    expect(outcome).toMatchObject({ kind: "uncertain", error: { code: "outcome_unknown" } });
  });

  it("quotes the provider without the key", async () => {
    const { outcome } = await refusing(400, x4(`no such key: ${KEY}`, "x", "y"));
    expect(JSON.stringify(outcome) + String("error" in outcome && outcome.error.message)).toContain(
      "[key removed]",
    );
  });
});
