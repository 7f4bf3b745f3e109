import * as z from "zod";
import { defineOperation } from "./define.ts";
import * as fields from "./fields.ts";

export const zImageBase = defineOperation({
  name: "z_image_base_generate",
  title: "Z-Image Base: text to image",
  description: "Make pictures with Z-Image Base, slower and finer than Turbo. Price not published.",
  kind: "queued",
  modelId: "z-image-base",
  path: "/z-image-base/v1/z-image-base-request",
  price: { usd: null, per: "generation", source: "no price is printed" },
  input: z.object({
    prompt: fields.prompt(),
    image_size: z.enum([
      "landscape_4_3",
      "portrait_3_4",
      "square_1_1",
      "landscape_16_9",
      "portrait_9_16",
    ]),
    num_inference_steps: fields.steps(10, 100),
    guidance_scale: fields.guidance(),
    num_images: fields.upToFourImages(),
    enable_safety_checker: fields.safetyChecker(),
    output_format: fields.outputFormat(["png", "jpeg", "webp"]),
    acceleration: fields.acceleration(["regular", "fast", "ultra_fast"]),
  }),
  toWire: (input) => input,
  media: "images",
  pace: { firstPollMs: 5_000, typicalMs: 12_000 },
  example: {
    prompt: "Grandmother knitting by a window, an empty chair by her",
    image_size: "landscape_4_3",
    num_inference_steps: 28,
    guidance_scale: 4,
    num_images: 1,
    enable_safety_checker: true,
    output_format: "png",
    acceleration: "regular",
  },
  source: "Pixazo: Z-Image Base",
});
