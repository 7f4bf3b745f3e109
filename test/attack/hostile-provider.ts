import type { ServerResponse } from "node:http";
import { disguises } from "../support/disguises.ts";
import { picture } from "../support/pictures.ts";
import { type Hit, json } from "../support/raw-server.ts";

/*
 * A provider that knows this server's keys and says them wherever a reply has a place for words.
 */

/** With characters that base64, URLs and JSON each write in a way of their own. */
export const IMAGE_KEY = "pxz/Key+0123~456789";
export const CHAT_KEY = "ak_2YzLong-Cat.98765==";
export const KEYS = [IMAGE_KEY, CHAT_KEY];
export const FORMS = KEYS.flatMap((key) => disguises(key).map(({ text }) => text));
let turn = 0;
/** One form after the other, so that each comes in every place. */
export const form = () => FORMS[turn++ % FORMS.length] ?? "";
const header = () => form().replaceAll(/[^!-~]/g, "");

/** Every string that any reply has a place for, each with a form of its own. */
const everywhere = (): Record<string, unknown> => ({
  request_id: form(),
  status: form(),
  code: form(),
  message: form(),
  msg: form(),
  model: form(),
  webhook: `https://example.com/?${form()}`,
  error: { message: form(), type: form(), code: form(), [form()]: form() },
  detail: [{ msg: form(), loc: [form()] }],
  errors: [form()],
  failure_reason: form(),
  output: {
    media_url: [`https://example.com/${form()}`, form()],
    choices: [{ message: { content: [{ image: form() }] } }],
    error: form(),
  },
  images: [{ url: `https://${form()}.example.com/a.png?k=${form()}` }],
  polling_url: `https://example.com/${form()}`,
  result_url: `https://example.com/?key=${form()}`,
  [form()]: form(),
});

type Reply = (response: ServerResponse, hit: Hit) => unknown;
export const says =
  (status: number, more: Record<string, unknown> = {}): Reply =>
  (response) =>
    json(response, status, { ...everywhere(), ...more }, { etag: header(), "x-a": header() });
export const page =
  (status: number): Reply =>
  (response) => {
    response.writeHead(status, { "content-type": "text/html", server: header() });
    response.end(`<html><title>${form()}</title><body>${form()}${form()}</body></html>`);
  };

let number = 0;
export const newId = () =>
  `longcat-image-498_019dabcd-0000-7000-8000-${String(++number).padStart(12, "0")}`;
export const accepted: Reply = (response) =>
  json(response, 202, { ...everywhere(), request_id: newId(), status: "QUEUED" });

/** What the hostile provider does at the moment, by kind of request. */
export interface Scenario {
  submit: Reply;
  status: Reply;
  media: Reply;
  chat: Reply;
  models: Reply;
}

const at =
  (path: string): Reply =>
  (response, hit) => {
    const url = `http://${hit.headers["host"]}${path}`;
    json(response, 200, { ...everywhere(), status: "COMPLETED", output: { media_url: [url] } });
  };
const empty = { images: [], output: null, result_url: null };

export const IMAGE_SCENARIOS: Readonly<Record<string, Partial<Scenario>>> = {
  "submit 400": { submit: says(400) },
  "submit 401": { submit: says(401) },
  "submit 402": { submit: says(402) },
  "submit 403": { submit: says(403) },
  "submit 404": { submit: says(404) },
  "submit 429 of a quota": { submit: says(429, { message: "insufficient_quota" }) },
  "submit 500": { submit: says(500) },
  "submit without JSON": { submit: page(200) },
  "submit with a page for 502": { submit: page(502) },
  "submit 200 with an error inside": {
    submit: says(200, { ...empty, request_id: "", status: "FAILED" }),
  },
  "submit 200 with another status": { submit: says(200, { ...empty, status_code: 400 }) },
  "submit without a picture": {
    submit: says(200, { ...empty, error: null, request_id: "", status: null }),
  },
  "submit with addresses that are keys": { submit: says(200, { request_id: "" }) },
  "status FAILED": { status: says(200, { status: "FAILED", ...empty }) },
  "status ERROR": { status: says(200, { status: "ERROR", ...empty }) },
  "status COMPLETED with addresses that are keys": { status: says(200, { status: "COMPLETED" }) },
  "status COMPLETED without a file": { status: says(200, { status: "COMPLETED", ...empty }) },
  "status 404": { status: says(404) },
  "media 404": { status: at("/media/a"), media: page(404) },
  "media that is a page": { status: at("/media/b"), media: page(200) },
  "media that leads on to a key": {
    status: at("/media/c"),
    media: (response) => {
      response.writeHead(302, { location: `https://127.0.0.1/${header()}`, "x-a": header() });
      response.end(form());
    },
  },
  "media with keys in its headers": {
    status: at("/media/d"),
    media: async (response) => {
      const name = header().replaceAll(/["\\]/g, "");
      response.writeHead(200, {
        "content-type": "image/png",
        "content-disposition": `attachment; filename="${name}.png"`,
        etag: `"${name}"`,
      });
      response.end(await picture());
    },
  },
};

/** A stream that tells a form in pieces of a size, then a message that names it in every field. */
export const stream =
  (format: "openai" | "anthropic"): Reply =>
  (response) => {
    response.writeHead(200, { "content-type": "text/event-stream", "x-a": header() });
    const send = (event: unknown) => response.write(`data: ${JSON.stringify(event)}\n\n`);
    for (let round = 0; round < FORMS.length; round++) {
      const text = `so ${form()} it is. `;
      const size = 1 + (round % 7);
      for (let from = 0; from < text.length; from += size) {
        const piece = text.slice(from, from + size);
        send(
          format === "openai"
            ? { model: "m", choices: [{ delta: { content: piece, reasoning_content: piece } }] }
            : { type: "content_block_delta", delta: { text: piece, thinking: piece } },
        );
      }
    }
    send(
      format === "openai"
        ? { model: form(), choices: [{ delta: { content: "." }, finish_reason: form() }] }
        : { type: "message_delta", delta: { stop_reason: form() }, model: form() },
    );
    response.end(format === "openai" ? "data: [DONE]\n\n" : 'data: {"type":"message_stop"}\n\n');
  };

export const CHAT_SCENARIOS: Readonly<Record<string, Reply>> = {
  "400": says(400),
  "401": says(401),
  "402": says(402),
  "403": says(403),
  "404": says(404),
  "404 with a page": page(404),
  "429 of a quota": says(429, { message: "insufficient_quota" }),
  "500": says(500),
  "a page": page(200),
  "an error inside": says(200, { type: "error" }),
  "an error in the midst": (response) => {
    response.writeHead(200, { "content-type": "text/event-stream" });
    response.write(`data: ${JSON.stringify({ choices: [{ delta: { content: form() } }] })}\n\n`);
    response.end(`event: error\ndata: ${JSON.stringify(everywhere())}\n\n`);
  },
};
