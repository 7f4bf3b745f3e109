import * as z from "zod";
import { defineOperation } from "../../src/models/define.ts";
import * as fields from "../../src/models/fields.ts";

/** An operation of no provider, with as many arguments as most of today's. */
export const madeUp = defineOperation({
  name: "made_up_image_generate",
  title: "Made-up: text to image",
  description: "Make pictures with a model that nobody has made. Price not published.",
  kind: "queued",
  modelId: "made-up-1",
  path: "/made-up-1/v1/made-up-request",
  price: { usd: 0.07, per: "image", source: "made up | $0.07" },
  input: z.object({
    prompt: fields.prompt(),
    image_urls: z.array(fields.picture()).min(1).max(3).optional(),
    image_size: z.enum(["landscape_4_3", "portrait_3_4", "square_1_1", "square_hd"]),
    num_inference_steps: fields.anySteps(),
    guidance_scale: fields.guidance(),
    num_images: fields.upToFourImages(),
    output_format: fields.outputFormat(["png", "jpeg", "webp"]),
    negative_prompt: fields.negativePrompt(),
    acceleration: fields.acceleration(["none", "regular", "high"]),
    enable_safety_checker: fields.safetyChecker(),
    webhook: fields.webhookUrl(),
  }),
  files: [{ name: "image_urls", kind: "picture", dataUris: "no" }],
  toWire: (input) => input,
  media: "images",
  pace: { firstPollMs: 5_000, typicalMs: 12_000 },
  example: { prompt: "A cat", image_size: "square_1_1" },
  source: "Nobody: made up",
});
