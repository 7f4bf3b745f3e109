import * as z from "zod";
import { canParseUrl } from "../core/can-parse-url.ts";
import { OPERATION_NAMES } from "../models/names.prepared.ts";

/** An http or https address and nothing that does not belong to one, without a slash at its end. */
export const url = z
  .string()
  .refine((value) => /^https?:\/\//i.test(value) && canParseUrl(value), {
    error: "must be an http or https URL",
    abort: true,
  })
  .transform((value) => new URL(value))
  .refine(({ username, password }) => username === "" && password === "", {
    error: "must have no user name or password in it",
    abort: true,
  })
  .refine(({ search, hash, href }) => search === "" && hash === "" && !/[?#]$/.test(href), {
    error: "must have no ? or # in it",
  })
  .transform(({ origin, pathname }) => (origin + pathname).replace(/\/+$/, ""));

/** The folders of the image gateway that its pages show: one for each model, and the status. */
const GATEWAY_FOLDERS = [
  ...new Set(OPERATION_NAMES.map(({ path }) => path.split("/")[1] ?? "")),
  "v2/requests",
];
const AFTER_GATEWAY = new RegExp(`/+(?:${GATEWAY_FOLDERS.join("|")})(?:/.*)?$`, "i");
const AFTER_LEGACY = /\/+longcat-image-request-result(?:\/.*)?$/i;
const AFTER_CHAT =
  /\/+(?:openai|anthropic)(?:\/+v1(?:\/+(?:chat(?:\/+completions)?|messages|models(?:\/.*)?))?)?$/i;

/** A base address, however much of the documented paths somebody has put behind it. */
function baseBefore(documented: RegExp) {
  return url.transform((value) => value.replace(documented, "").replace(/\/+$/, ""));
}

export const gatewayBase = baseBefore(AFTER_GATEWAY);
export const legacyBase = baseBefore(AFTER_LEGACY);
export const chatBase = baseBefore(AFTER_CHAT);
