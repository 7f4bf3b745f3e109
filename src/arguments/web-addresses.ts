import { canParseUrl } from "../core/can-parse-url.ts";
import { isLocalHost } from "../core/host-addresses.ts";

/** What no clean address has in it as it stands. */
const UNCLEAN = /[\s\p{Cc}\p{Cf}\p{Cs}<>"`{}|\\^]/u;
const MAX_ADDRESS_CHARACTERS = 8_192;

/** An address, or what is wrong with it as the end of a sentence. */
export type Address = { text: string } | { problem: string; isLocal?: boolean };

/** Whether a text wants to be an address of the web. */
export function looksLikeAddress(text: string): boolean {
  return /^https?:/i.test(text);
}

/**
 * The addresses in a text, of which each but the first begins after a blank, a comma or a semicolon:
 * an address may contain commas itself.
 */
export function splitAddresses(text: string): string[] {
  if (!looksLikeAddress(text)) return [text];
  return text.split(/[\s,;]+(?=https?:\/\/)/i);
}

/**
 * Judges an address that the provider is going to call.
 * @param mayBeLocal whether the provider is on this machine itself.
 */
export function readAddress(text: string, mayBeLocal: boolean): Address {
  if (text.length > MAX_ADDRESS_CHARACTERS) {
    return {
      problem: `has ${text.length} characters; an address may have ${MAX_ADDRESS_CHARACTERS}.`,
    };
  }
  if (splitAddresses(text).length > 1) return { problem: "takes one address, not several." };
  if (UNCLEAN.test(text) || !/^https?:\/\/[^/?#]/i.test(text) || !canParseUrl(text)) {
    return { problem: "is not one clean https URL." };
  }
  const url = new URL(text);
  if (url.username !== "" || url.password !== "") {
    return {
      problem: "must not carry a user name or password: everyone on its way would see them.",
    };
  }
  if (!mayBeLocal && isLocalHost(url.hostname)) {
    return {
      problem: "is an address that only this machine or its network sees, not the provider.",
      isLocal: true,
    };
  }
  // Letters of other scripts travel in their encoded form, which every server understands.
  return { text: /^[\x21-\x7e]*$/.test(text) ? text : url.href };
}
