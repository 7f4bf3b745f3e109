import * as z from "zod";
import { ANY_MEDIUM, ANY_UPLOAD } from "../core/uris.ts";
import { knownAs } from "./facts.ts";
import { MAX_TEXT_BYTES } from "./limits.ts";

/*
 * Fields that several operations share by meaning and by limits. Enums of sizes and accelerations
 * are never shared: each model has its own words for them.
 */

/** Words for the provider. An empty text is one as well, and documented examples send it. */
export const words = (schema = z.string()) =>
  knownAs(schema, { keepsEmpty: true, maxBytes: MAX_TEXT_BYTES });

export const prompt = () => words(z.string().min(1));
export const editPrompt = () => words(z.string().min(1)).describe("What to change");
export const negativePrompt = () => words().optional();
export const safetyChecker = () => z.boolean().optional();
export const promptExpansion = () => z.boolean().optional().describe("Default true");

export const steps = (min: number, max: number) => z.int().min(min).max(max).optional();
/** For operations whose documentation states no range. */
export const anySteps = () => z.int().min(1).optional();
export const guidance = () => z.number().min(1).max(20).optional();
/** For operations whose documentation states no range. */
export const anyGuidance = () => z.number().optional();
export const upToFourImages = () => z.int().min(1).max(4).optional();

export const outputFormat = <const F extends readonly [string, ...string[]]>(formats: F) =>
  z.enum(formats).optional();
export const acceleration = <const F extends readonly [string, ...string[]]>(modes: F) =>
  z.enum(modes).optional();

/** A picture of any origin. */
export const picture = (description = `URL, path, data URI or ${ANY_MEDIUM}`) =>
  knownAs(z.string(), {
    reference: "picture",
    elsewhere: `URL, data URI, ${ANY_MEDIUM} or ${ANY_UPLOAD}`,
  }).describe(description);

/** An archive of any origin, or the folder to make it of. */
export const archive = (description: string) =>
  knownAs(z.string(), {
    reference: "archive",
    elsewhere: `ZIP: URL or ${ANY_UPLOAD}`,
  }).describe(description);

/** Where to send a callback when the job ends; the provider posts it in addition to our polling. */
export const webhookUrl = () =>
  knownAs(z.string(), { reference: "address" }).optional().describe("URL to notify");
export const webhookEvents = () => z.array(z.string()).optional().describe('Such as ["*"]');

/** What the provider's documents advise against but do not forbid. */
export function pictureWarnings(urls: readonly string[]): string[] {
  return urls.some((url) => /^http:/i.test(url))
    ? ["An http: address was given; the provider advises https."]
    : [];
}
