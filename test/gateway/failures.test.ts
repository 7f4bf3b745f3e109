import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createRedact } from "../../src/core/redact.ts";
import { oneLine } from "../../src/core/text.ts";
import { failureOf, jobFailureOf, upstreamWords } from "../../src/gateway/failures.ts";
import { anyText } from "../support/any-text.ts";

const SERVICE = { name: "Pixazo", keyVariable: "PIXAZO_API_KEY" };
const submit = (status: number, body: unknown = "", headers: Record<string, string> = {}) =>
  failureOf(
    { status, headers, text: typeof body === "string" ? body : JSON.stringify(body) },
    "submit",
    SERVICE,
  );

describe("the code of a refused purchase", () => {
  it.each([
    [400, "upstream_rejected"],
    [401, "unauthorized"],
    [402, "insufficient_credit"],
    [403, "forbidden"],
    [404, "upstream_rejected"],
    [408, "outcome_unknown"],
    [409, "upstream_rejected"],
    [413, "upstream_rejected"],
    [422, "upstream_rejected"],
    [429, "rate_limited"],
    [500, "outcome_unknown"],
    [502, "outcome_unknown"],
    [503, "outcome_unknown"],
    [504, "outcome_unknown"],
    [302, "bad_upstream_reply"],
  ])("HTTP %i is %s", (status, code) => {
    expect(submit(status).code).toBe(code);
  });

  it.each([
    [404, "not_found"],
    [429, "rate_limited"],
    [500, "upstream_unavailable"],
    [503, "upstream_unavailable"],
    [401, "unauthorized"],
  ])("HTTP %i on a look is %s", (status, code) => {
    expect(failureOf({ status, headers: {}, text: "" }, "read", SERVICE).code).toBe(code);
  });

  it("an unknown model is a refusal, whichever status says so", () => {
    const body = {
      error: "Model not found",
      message: "Model 'longcat-image-498' not found or is disabled",
    };
    for (const status of [400, 404]) {
      const failure = submit(status, body);
      expect(failure.code).toBe("upstream_rejected");
      expect(failure.message).toContain("Model 'longcat-image-498' not found or is disabled");
    }
  });

  it.each([
    "Your prompt was flagged by our content policy.",
    "NSFW content detected",
    "Blocked by the safety system",
    "DataInspectionFailed",
    "Inappropriate content",
  ])("HTTP 400 that says %j is about the content", (message) => {
    expect(submit(400, { error: "Bad Request", message }).code).toBe("content_rejected");
  });

  it.each(["enable_safety_checker must be a boolean", "image_size is case-sensitive"])(
    "HTTP 400 that says %j is not",
    (message) => {
      expect(submit(400, { error: "Bad Request", message }).code).toBe("upstream_rejected");
    },
  );

  it("an exhausted quota is about money", () => {
    const error = { message: "No quota", type: "insufficient_quota", code: "insufficient_quota" };
    expect(submit(403, { error }).code).toBe("insufficient_credit");
  });

  it.each<[string, unknown]>([
    ["insufficient_credit", { error: { message: "No", code: "insufficient_quota" } }],
    ["insufficient_credit", { error: "You exceeded your current quota" }],
    ["insufficient_credit", { message: "Account balance is too low" }],
    ["insufficient_credit", { detail: "Please recharge your account" }],
    ["insufficient_credit", "Out of credits"],
    ["rate_limited", { error: "Rate limit exceeded" }],
    ["rate_limited", { error: "Quota exceeded: 10 requests per minute" }],
    ["rate_limited", { error: "Too many requests a second for your quota" }],
    ["rate_limited", ""],
  ])("HTTP 429 is %s where it says %j", (code, body) => {
    expect(submit(429, body).code).toBe(code);
  });
});

describe("the provider's words", () => {
  it.each<[string, unknown, string]>([
    [
      "X1, a title and a sentence",
      { error: "Insufficient Balance", message: "Your wallet does not have enough balance." },
      "Insufficient Balance: Your wallet does not have enough balance.",
    ],
    [
      "X2, a job that failed",
      { request_id: "a", status: "ERROR", error: "Description of the error", output: null },
      "Description of the error",
    ],
    ["X3, the whole message", { error: "Rate limit exceeded" }, "Rate limit exceeded"],
    [
      "X4, an object",
      { error: { message: "Invalid key", type: "authentication_error", code: "invalid_api_key" } },
      "Invalid key",
    ],
    [
      "X5, a code and a message",
      { status_code: 400, code: "InvalidParameter", message: "size is wrong" },
      "size is wrong",
    ],
    [
      "X5, a code alone",
      { status_code: 400, code: "InvalidParameter", message: "" },
      "InvalidParameter",
    ],
    ["numeric codes", { code: 40001, message: "No such size" }, "No such size"],
    ["numeric code alone", { code: 40001 }, ""],
    [
      "Azure API Management",
      { statusCode: 401, message: "Access denied due to invalid subscription key." },
      "Access denied due to invalid subscription key.",
    ],
    [
      "a list in detail",
      {
        detail: [
          { loc: ["body", "image_size"], msg: "field required", type: "missing" },
          { loc: ["body", "prompt"], msg: "too short", type: "value_error" },
        ],
      },
      "field required; too short",
    ],
    ["a text in detail", { detail: "Not Found" }, "Not Found"],
    ["a list of errors", { errors: ["one", { message: "two" }] }, "one; two"],
    ["the same twice", { error: "Forbidden", message: "Forbidden" }, "Forbidden"],
    ["null", { error: null, message: null }, ""],
    ["nothing", {}, ""],
  ])("%s", (_shape, body, words) => {
    expect(upstreamWords(JSON.stringify(body))).toBe(words);
  });

  it("the title of an HTML page", () => {
    const page =
      "<!doctype html><html><head><title>502 Bad Gateway</title></head><body><h1>nginx</h1></body></html>";
    expect(upstreamWords(page)).toBe("502 Bad Gateway");
    expect(submit(502, page).message).toBe("The provider answered HTTP 502: 502 Bad Gateway");
  });

  it("the text of markup without a title", () => {
    expect(upstreamWords("<h1>Service</h1><p>Unavailable</p>")).toBe("Service Unavailable");
  });

  it("an empty body is no riddle", () => {
    expect(submit(500, "").message).toBe("The provider answered HTTP 500.");
  });

  it("plain text as it is", () => {
    expect(upstreamWords("upstream connect error")).toBe("upstream connect error");
  });

  it("are cut at 300 characters", () => {
    const words = upstreamWords(JSON.stringify({ message: "x".repeat(5_000) }));
    expect(words).toHaveLength(301);
    expect(words.endsWith("…")).toBe(true);
  });

  it("lose what could steer a terminal or turn text around", () => {
    const evil = "a\u001b[31mb\u0007 \u202ec\u2066d\u200be\u0000f\r\ng";
    expect(upstreamWords(JSON.stringify({ message: evil }))).toBe("a[31mb cdef g");
  });

  it("are not cut through the middle of a character", () => {
    const words = upstreamWords(JSON.stringify({ message: `a${"😀".repeat(200)}` }));
    expect(words).toBe(`a${"😀".repeat(149)}…`);
  });

  it("are one line of harmless text whatever comes", () => {
    fc.assert(
      fc.property(anyText({ maxLength: 600 }), (text) => {
        const shown = oneLine(text);
        expect(shown).not.toMatch(/[\p{Cc}\p{Cf}]/u);
        expect(shown.length).toBeLessThanOrEqual(301);
      }),
    );
  });
});

describe("a job that ended badly", () => {
  it("ERROR is a fault of the provider's, and may simply be started again", () => {
    const failure = jobFailureOf("error", JSON.stringify({ status: "ERROR", error: "GPU lost" }));
    expect(failure.code).toBe("upstream_unavailable");
    expect(failure.message).toContain("GPU lost");
    expect(failure.retryable).toBe(true);
  });

  it("FAILED tells content from the rest", () => {
    expect(jobFailureOf("failed", '{"error":"NSFW content"}').code).toBe("content_rejected");
    expect(jobFailureOf("failed", '{"error":"CUDA error"}').code).toBe("upstream_rejected");
    expect(jobFailureOf("failed", "{}").message).toContain("no reason was given");
  });
});

describe("how long to wait", () => {
  const date = "Fri, 20 Nov 2026 12:00:00 GMT";

  it.each<[string, Record<string, string>, unknown, number | undefined]>([
    ["seconds in the header", { "retry-after": "7" }, "", 7_000],
    ["zero", { "retry-after": "0" }, "", 0],
    ["a date in the header", { "retry-after": "Fri, 20 Nov 2026 12:00:30 GMT", date }, "", 30_000],
    ["a date that has passed", { "retry-after": "Fri, 20 Nov 2026 11:00:00 GMT", date }, "", 0],
    ["a field of the body", {}, { error: "Too Many Requests", retry_after: 12 }, 12_000],
    ["a field of the error", {}, { error: { message: "Slow down", retry_after: 3 } }, 3_000],
    ["a field that is a string", {}, { error: "Too Many Requests", retry_after: "12" }, 12_000],
    ["a string in the error", {}, { error: { message: "No", retry_after: " 1.5 " } }, 1_500],
    ["an empty string", {}, { retry_after: "", message: "in 60 seconds" }, 60_000],
    ["seconds in the text", {}, { message: "Please try again in 60 seconds" }, 60_000],
    ["seconds in the text, short", {}, { message: "Retry after 5s" }, 5_000],
    [
      "the header rather than the text",
      { "retry-after": "2" },
      { message: "in 60 seconds" },
      2_000,
    ],
    ["a wish of a week", { "retry-after": "604800" }, "", 3_600_000],
    ["a negative one", { "retry-after": "-5" }, "", undefined],
    ["an empty header", { "retry-after": "" }, "", undefined],
    ["nonsense", { "retry-after": "soon" }, { retry_after: "later" }, undefined],
    ["nothing", {}, { error: "Too Many Requests" }, undefined],
  ])("%s", (_what, headers, body, ms) => {
    expect(submit(429, body, headers).retryAfterMs).toBe(ms);
  });
});

describe("keys", () => {
  it("are taken out wherever they stand, also URL-encoded; short values are not keys", () => {
    const redact = createRedact(["se/cret+key", undefined, "", "abc"]);
    expect(redact("use se/cret+key or ?k=se%2Fcret%2Bkey, abc")).toBe(
      "use [key removed] or ?k=[key removed], abc",
    );
  });
});
