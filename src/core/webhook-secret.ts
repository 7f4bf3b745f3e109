import { TOKEN, TOKEN_PATTERN } from "./id-patterns.ts";
import { randomToken } from "./ids.ts";

/** Where webhooks are received below a public address, followed by the secret of one request. */
export const WEBHOOK_PATH = "/webhooks/";
/** In a text that was read (`readings.ts`): the secret of a webhook's address. */
export const SECRET_IN_ADDRESS = new RegExp(`(?<=webhooks/)${TOKEN}(?![a-z2-7])`, "g");

/** 128 random bits, by which one request's webhook is known. */
export function newWebhookSecret(): string {
  return randomToken();
}

export function isWebhookSecret(text: string): boolean {
  return TOKEN_PATTERN.test(text);
}

/** The secret of a webhook's address. */
export function secretIn(address: string): string {
  return address.slice(address.lastIndexOf("/") + 1);
}
