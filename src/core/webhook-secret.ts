import { randomToken } from "./ids.ts";

/** Where webhooks are received below a public address, followed by the secret of one request. */
export const WEBHOOK_PATH = "/webhooks/";
const SECRET = /^[a-z2-7]{26}$/;
/** In a text that was read (`readings.ts`): the secret of a webhook's address. */
export const SECRET_IN_ADDRESS = /(?<=webhooks\/)[a-z2-7]{26}(?![a-z2-7])/g;

/** 128 random bits, by which one request's webhook is known. */
export function newWebhookSecret(): string {
  return randomToken();
}

export function isWebhookSecret(text: string): boolean {
  return SECRET.test(text);
}

/** The secret of a webhook's address. */
export function secretIn(address: string): string {
  return address.slice(address.lastIndexOf("/") + 1);
}
