import { expect, it, onTestFinished } from "vitest";
import { systemClock } from "../../src/core/clock.ts";
import { createRedact, type Redact } from "../../src/core/redact.ts";
import { HttpClient } from "../../src/gateway/http-client.ts";
import { LongcatClient } from "../../src/gateway/longcat.ts";
import { rawServer } from "../support/raw-server.ts";

const KEY = "key-0123456789abcdef";
const WORDS = 20_000;
const WORD = "word ";

const event = (content: string) =>
  `data: ${JSON.stringify({ choices: [{ index: 0, delta: { content }, finish_reason: null }] })}\n\n`;

/** Redaction that writes down what it is made to look through. */
function counting(): { redact: Redact; looks: number[] } {
  const [real, looks]: [Redact, number[]] = [createRedact([KEY]), []];
  const redact = Object.assign(
    (text: string) => {
      looks.push(text.length);
      return real(text);
    },
    {
      openEnd: (text: string, before?: string) => {
        looks.push((before ?? "").length);
        return real.openEnd(text, before);
      },
      finds: real.finds,
      learn: real.learn,
    },
  );
  return { redact, looks };
}

it("a long answer is looked through once, and not word by word", async () => {
  const { origin } = await rawServer((_hit, response) => {
    response.writeHead(200, { "content-type": "text/event-stream" });
    response.end(`${event(WORD).repeat(WORDS)}data: [DONE]\n\n`);
  });
  const http = new HttpClient();
  onTestFinished(() => http.close());
  const { redact, looks } = counting();
  const client = new LongcatClient({
    http,
    clock: systemClock,
    baseUrl: origin,
    apiKey: () => KEY,
    redact,
  });
  let answer = "";
  const outcome = await client.chat(
    { format: "openai", model: "m", messages: [{ role: "user", content: ["Hello"] }] },
    {
      accepted: async () => {},
      delta: ({ text }) => {
        answer += text;
      },
    },
    new AbortController().signal,
  );
  expect(outcome).toEqual({ kind: "ended", marked: true });
  expect(answer).toBe(WORD.repeat(WORDS));
  expect(looks.reduce((sum, length) => sum + length, 0)).toBeLessThan(2 * answer.length);
  expect(looks.length).toBeLessThan(WORDS / 10);
});
