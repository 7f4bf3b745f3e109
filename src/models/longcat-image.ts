import * as z from "zod";
import { defineOperation } from "./define.ts";
import * as fields from "./fields.ts";

export const longcatImage = defineOperation({
  name: "longcat_image_generate",
  title: "LongCat-Image: text to image",
  description:
    "Generate a picture of anything: create, make, draw, paint, sketch or design an image, photo, portrait, art, illustration, logo, poster or banner. Text to be drawn goes in quotation marks. Paid: $0.13.",
  searchHint:
    "make a picture of, create an image of, photo of, a drawing of, produce, render, illustrate or visualise artwork, need a card for my blog, cartoon, story, wallpaper, cover, print, icon, avatar, painting, photograph, image generator, variations",
  kind: "queued",
  modelId: "longcat-image-498",
  path: "/longcat-image-498/v1/longcat-image-request",
  price: { usd: 0.13, per: "generation", source: "Per Generation | $0.13" },
  input: z.object({
    prompt: fields.prompt(),
    image_size: z.enum([
      "landscape_4_3",
      "portrait_3_4",
      "square_1_1",
      "ultra_wide_16_9",
      "ultra_portrait_9_16",
    ]),
    num_inference_steps: fields.anySteps(),
    guidance_scale: fields.anyGuidance(),
    num_images: z.int().min(1).optional(),
    enable_safety_checker: fields.safetyChecker(),
    output_format: fields.outputFormat(["png", "jpeg", "webp"]),
    acceleration: fields.acceleration(["regular", "high_performance"]),
  }),
  toWire: (input) => input,
  media: "images",
  pace: { firstPollMs: 5_000, typicalMs: 12_000 },
  example: {
    prompt:
      "A lioness crouching in the tall dry grass of the Serengeti during golden hour, intense gaze, telephoto lens with shallow depth of field",
    image_size: "landscape_4_3",
    num_inference_steps: 28,
    guidance_scale: 4.5,
    num_images: 1,
    enable_safety_checker: true,
    output_format: "png",
    acceleration: "regular",
  },
  source: "Pixazo: LongCat v1 Text to Image",
});
