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
const isDataUri = (text: string) =>
  /^data:(?:image|application)\/[\w.+-]+;base64,[A-Za-z0-9+/=\s]+$/i.test(text);

/** A URL that the provider calls. */
const publicUrl = (description: string) =>
  z.string().refine(isHttpUrl, { error: "needs a public https URL." }).describe(description);

const MEDIUM_REFERENCE = /^longcat:\/\/media\/(job_[a-z2-7]{26})\/([1-9]\d{0,3})(?:\/preview)?$/;

/** What `longcat://media/{job_id}/{index}` names. @returns `undefined` when it is not of that form. */
export function readReference(text: string): { jobId: string; index: number } | undefined {
  const [, jobId, index] = MEDIUM_REFERENCE.exec(text.trim()) ?? [];
  return jobId === undefined ? undefined : { jobId, index: Number(index) };
}

/** Where the bytes of a file that a caller names come from. */
export type FileOrigin = "url" | "data" | "earlier" | "path";

/** @returns `undefined` for what cannot name a file. */
export function fileOrigin(text: string): FileOrigin | undefined {
  if (isHttpUrl(text)) return "url";
  if (isDataUri(text)) return "data";
  if (readReference(text)) return "earlier";
  if (/^file:\/\//i.test(text)) return "path";
  // A single letter before the colon is a Windows drive.
  const isPath = text.trim() !== "" && !/^[a-z][a-z0-9+.-]+:/i.test(text);
  return isPath ? "path" : undefined;
}

const fileField = (description: string, expected: string) =>
  z
    .string()
    .refine((text) => fileOrigin(text) !== undefined, { error: expected })
    .describe(description);

/** A picture of any origin. */
export const picture = (description = "URL, path, data URI or longcat://media/…") =>
  fileField(
    description,
    "needs an https URL, the path of a file, a data URI such as `data:image/png;base64,…`, or `longcat://media/{job_id}/{index}` of an earlier job.",
  );

/** An archive of any origin, or the folder to make it of. */
export const archive = (description: string) =>
  fileField(description, "needs an https URL, or the path of a ZIP file or of a folder.");

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
