import * as z from "zod";
import type { UpstreamOperation } from "./acceptance.ts";

export interface Size {
  width: number;
  height: number;
}

/** What an accepted request asks for, in the words of the painter. */
export interface Commission {
  title: string;
  output: UpstreamOperation["output"];
  prompt: string;
  /** How many files the job yields. */
  count: number;
  format: "png" | "jpeg" | "webp";
  /** `undefined`: as the input picture. */
  size: Size | undefined;
  /** Addresses of the input pictures that are used, or of the training archive. */
  inputs: readonly string[];
  /** Same seed, same pictures. */
  seed: string;
  watermark: boolean;
  /** Whether a picture in its input's shape comes out with about a million pixels. */
  aboutOneMegapixel: boolean;
  /** Whether layers come in lower resolution. */
  fast: boolean;
  /** Addresses from the body's `webhook`. */
  webhook: string | undefined;
}

/** Background, shapes, subject, details with lettering. */
export const LAYER_COUNT = 4;

/** A job with more files than anyone looks at is cut to this many. */
const MOST_FILES = 16;

const SIZES: Readonly<Record<string, Size>> = {
  landscape_4_3: { width: 1024, height: 768 },
  portrait_3_4: { width: 768, height: 1024 },
  square_1_1: { width: 1024, height: 1024 },
  landscape_16_9: { width: 1024, height: 576 },
  ultra_wide_16_9: { width: 1024, height: 576 },
  portrait_9_16: { width: 576, height: 1024 },
  ultra_portrait_9_16: { width: 576, height: 1024 },
  square_hd: { width: 1024, height: 1024 },
  portrait_hd: { width: 960, height: 1280 },
  landscape_hd: { width: 1280, height: 960 },
};
const DEFAULT_SIZE: Size = { width: 1024, height: 1024 };

const pixels = z
  .number()
  .transform((value) => Math.round(Math.min(2048, Math.max(64, value))))
  .catch(1024);
const lenient = <T extends z.ZodType>(type: T) => type.optional().catch(undefined);

const queueBody = z.looseObject({
  prompt: z.string().catch(""),
  default_caption: lenient(z.string()),
  image_size: lenient(z.union([z.string(), z.looseObject({ width: pixels, height: pixels })])),
  image_url: lenient(z.string()),
  image_urls: lenient(z.array(z.string())),
  image_data_url: lenient(z.string()),
  num_images: z.number().catch(1),
  output_format: z.enum(["png", "jpeg", "webp"]).catch("png"),
  acceleration: lenient(z.string()),
  seed: lenient(z.number()),
  webhook: lenient(z.string()),
  webhook_events_filter: lenient(z.array(z.string())),
});

const syncBody = z.looseObject({
  input: z.looseObject({
    messages: z.array(
      z.looseObject({
        content: z.array(z.looseObject({ text: lenient(z.string()), image: lenient(z.string()) })),
      }),
    ),
  }),
  parameters: z
    .looseObject({ size: lenient(z.string()), watermark: lenient(z.boolean()) })
    .catch({}),
});

/** Reads the body of a queue operation that {@link UpstreamOperation.body} has let pass. */
export function queueCommission(operation: UpstreamOperation, body: unknown): Commission {
  const asked = queueBody.parse(body);
  const usesAllInputs = operation.modelId === "qwen-image-edit-plus-lora";
  const addresses = asked.image_urls ?? [asked.image_url ?? asked.image_data_url ?? []].flat();
  const inputs = usesAllInputs ? addresses : addresses.slice(0, 1);
  const { weights, layers, pictures } = {
    weights: 2,
    layers: LAYER_COUNT,
    pictures: Math.min(MOST_FILES, Math.floor(asked.num_images)),
  };
  return {
    title: operation.title,
    output: operation.output,
    prompt: asked.prompt || (asked.default_caption ?? ""),
    count: { weights, layers, pictures }[operation.output],
    format: asked.output_format,
    size: sizeOf(asked.image_size, inputs.length > 0),
    inputs,
    seed: JSON.stringify([operation.modelId, asked.seed ?? asked.prompt, inputs]),
    watermark: false,
    aboutOneMegapixel: false,
    fast: asked.acceleration === "fast",
    webhook: wantsCompletion(asked.webhook_events_filter) ? asked.webhook : undefined,
  };
}

/** Reads the body of a synchronous operation that {@link UpstreamOperation.body} has let pass. */
export function syncCommission(
  operation: UpstreamOperation,
  body: unknown,
  defaults: { watermark: boolean; size: string | undefined },
): Commission {
  const asked = syncBody.parse(body);
  const content = asked.input.messages.flatMap((message) => message.content);
  const prompt = content.flatMap((item) => item.text ?? []).join("\n");
  const inputs = defaults.size ? [] : content.flatMap((item) => item.image ?? []).slice(0, 1);
  const [width = 0, height = 0] = (asked.parameters.size ?? defaults.size ?? "")
    .split("*")
    .map(Number);
  return {
    title: operation.title,
    output: operation.output,
    prompt,
    count: 1,
    format: "png",
    size: width > 0 && height > 0 && defaults.size ? { width, height } : undefined,
    inputs,
    seed: JSON.stringify([operation.modelId, prompt, inputs]),
    watermark: asked.parameters.watermark ?? defaults.watermark,
    aboutOneMegapixel: true,
    fast: false,
    webhook: undefined,
  };
}

function sizeOf(asked: string | Size | undefined, hasInputs: boolean): Size | undefined {
  if (typeof asked === "object") return { width: asked.width, height: asked.height };
  if (asked !== undefined) return SIZES[asked] ?? DEFAULT_SIZE;
  return hasInputs ? undefined : DEFAULT_SIZE;
}

function wantsCompletion(events: readonly string[] | undefined): boolean {
  return events === undefined || events.includes("complete") || events.includes("*");
}
