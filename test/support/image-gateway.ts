import { onTestFinished } from "vitest";
import { createRedact } from "../../src/core/redact.ts";
import { HttpClient } from "../../src/gateway/http-client.ts";
import { PixazoClient } from "../../src/gateway/pixazo.ts";
import { operation } from "./operations.ts";
import { type Answer, json, rawServer } from "./raw-server.ts";

export const KEY = "key-0123456789abcdef";

export const ID = "longcat-image-498_019dabcd-0000-7000-8000-000000000000";

export const PICTURE = "https://pub-582b7213209642b9b995c96c95a30381.r2.dev/v1/a/output.png";

export const queued = operation("longcat_image_generate");

export const edit = operation("qwen_image_edit");

export const generate = operation("qwen_image_generate");

export const wire = queued.prepare({ prompt: "A cat", image_size: "square_1_1" }).wire;

export const ACCEPTED = { request_id: ID, status: "QUEUED", polling_url: `https://x.test/${ID}` };

export const R3 = {
  status_code: 200,
  request_id: "3dac",
  output: { choices: [{ message: { content: [{ image: PICTURE }] } }] },
};

export const R4 = { images: [{ file_name: "a.png", content_type: "image/png", url: PICTURE }] };

export function client(origin: string, apiKey: string | undefined = KEY): PixazoClient {
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
export async function gatewayThat(answer: Answer) {
  const server = await rawServer(answer);
  return { server, gateway: client(server.origin) };
}

export const answering = (status: number, body: unknown, headers: Record<string, string> = {}) =>
  gatewayThat((_hit, response) => json(response, status, body, headers));
