import * as z from "zod";

/*
 * Fields that several operations share by meaning and by limits. Enums of sizes and accelerations
 * are never shared: each model has its own words for them.
 */

export const prompt = () => z.string().min(1).describe("What to show");
export const editPrompt = () => z.string().min(1).describe("What to change");
export const negativePrompt = () => z.string().optional().describe("What to avoid");
export const safetyChecker = () => z.boolean().optional().describe("Filter unsafe content");
export const promptExpansion = () =>
  z.boolean().optional().describe("Let AI enrich the prompt (default true)");

export const steps = (min: number, max: number) =>
  z.int().min(min).max(max).optional().describe("Denoising steps");
/** For operations whose documentation states no range. */
export const anySteps = () => z.int().min(1).optional().describe("Denoising steps");
export const guidance = () => z.number().min(1).max(20).optional().describe("Prompt adherence");
/** For operations whose documentation states no range. */
export const anyGuidance = () => z.number().optional().describe("Prompt adherence");
export const upToFourImages = () => z.int().min(1).max(4).optional().describe("Pictures to make");

export const outputFormat = <const F extends readonly [string, ...string[]]>(formats: F) =>
  z.enum(formats).optional();
export const acceleration = <const F extends readonly [string, ...string[]]>(modes: F) =>
  z.enum(modes).optional();

const isHttpUrl = (text: string) => /^https?:\/\/[^\s/]/i.test(text) && URL.canParse(text);
const isDataUri = (text: string) => /^data:image\/[\w.+-]+;base64,[A-Za-z0-9+/=\s]+$/i.test(text);

const LOCAL_ADVICE =
  "A local path cannot reach the provider; `qwen_image_edit` takes a picture's bytes as a data URI.";

/** A file that the provider fetches itself. */
export const publicUrl = (description: string) =>
  z
    .string()
    .refine(isHttpUrl, {
      error: (issue) =>
        /^data:/i.test(String(issue.input))
          ? "needs a public https URL here; data URIs are taken by `qwen_image_edit` only."
          : `needs a public https URL. ${LOCAL_ADVICE}`,
    })
    .describe(description);

/** A picture as a URL or in the request itself. */
export const urlOrDataUri = (description: string) =>
  z
    .string()
    .refine((text) => isHttpUrl(text) || isDataUri(text), {
      error:
        "needs an https URL or a data URI such as `data:image/png;base64,…`. A local path cannot be read here.",
    })
    .describe(description);

/** An array that forgives a single value: some documents say one, some say many. */
export const listOf = <T extends z.ZodType<unknown, string>>(
  item: T,
  min: number,
  max?: number,
) => {
  const items = z.array(item).min(min);
  return z.preprocess(
    (value) => (typeof value === "string" ? [value] : value),
    max === undefined ? items : items.max(max),
  );
};

/** Where to send a callback when the job ends; the provider posts it in addition to our polling. */
export const webhookUrl = () => publicUrl("URL the provider notifies").optional();
export const webhookEvents = () =>
  listOf(z.string(), 0).optional().describe('Events to notify, as ["*"]');

/** What the provider's documents advise against but do not forbid. */
export function pictureWarnings(urls: readonly string[]): string[] {
  return urls.some((url) => /^http:/i.test(url))
    ? ["An http: address was given; the provider advises https."]
    : [];
}
