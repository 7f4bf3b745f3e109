import * as z from "zod";
import { defineOperation } from "./define.ts";
import * as fields from "./fields.ts";

export const qwenImageMax = defineOperation({
  name: "qwen_image_max_generate",
  title: "Qwen Image Max: text to image",
  description: "Make pictures of the best, highest quality. Price not published.",
  kind: "queued",
  modelId: "qwen-image-max",
  path: "/qwen-image-max/v1/qwen-image-max-request",
  price: { usd: null, per: "image", source: "No data available" },
  input: z.object({
    prompt: fields.prompt(),
    negative_prompt: fields.negativePrompt(),
    image_size: z
      .enum(["square_hd", "portrait_hd", "landscape_hd"])
      .optional()
      .describe("Default square_hd"),
    enable_prompt_expansion: fields.promptExpansion(),
    enable_safety_checker: fields.safetyChecker(),
    num_images: fields.upToFourImages(),
    output_format: fields.outputFormat(["png", "jpeg", "webp"]),
  }),
  toWire: (input) => input,
  media: "images",
  pace: { firstPollMs: 5_000, typicalMs: 15_000 },
  example: {
    prompt:
      "A majestic white tiger resting on a mossy rock beside a waterfall in a tropical rainforest, photorealistic",
    negative_prompt: "low resolution, error, worst quality, low quality, deformed",
    image_size: "square_hd",
    enable_prompt_expansion: true,
    enable_safety_checker: true,
    num_images: 1,
    output_format: "png",
  },
  source: "Pixazo: Qwen Image Max",
});
