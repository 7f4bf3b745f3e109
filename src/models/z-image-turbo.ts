import * as z from "zod";
import { defineOperation } from "./define.ts";
import * as fields from "./fields.ts";

export const zImageTurbo = defineOperation({
  name: "z_image_turbo_generate",
  title: "Z-Image Turbo: text to image",
  description:
    "Make pictures fast: the fastest image generation, for a quick draft. Price not published.",
  kind: "queued",
  modelId: "z-image-turbo-834",
  path: "/z-image-turbo-834/v1/z-image-turbo-request",
  price: { usd: null, per: "generation", source: "no price is printed" },
  input: z.object({
    prompt: fields.prompt(),
    image_size: z.enum([
      "portrait_3_4",
      "landscape_4_3",
      "square_1_1",
      "portrait_9_16",
      "landscape_16_9",
    ]),
    num_inference_steps: fields.steps(1, 50),
    num_images: fields.upToFourImages(),
    enable_safety_checker: fields.safetyChecker(),
    output_format: fields.outputFormat(["png", "jpeg", "webp"]),
    acceleration: fields.acceleration(["none"]),
  }),
  toWire: (input) => input,
  media: "images",
  pace: { firstPollMs: 3_000, typicalMs: 6_000 },
  example: {
    prompt:
      "A hyper-realistic close-up of an Omo Valley tribal elder, adorned with white chalk patterns and a headdress of dried flowers, seed pods, and bottle caps. Razor-sharp skin texture with every pore and wrinkle visible. A warm firelight glows in the elder's soulful eyes against a blurred, smoky hut interior, captured in a Leica M6 / Kodak Portra 400 film aesthetic.",
    image_size: "landscape_4_3",
    num_inference_steps: 8,
    num_images: 1,
    enable_safety_checker: true,
    output_format: "png",
    acceleration: "none",
  },
  source: "Pixazo: Z-Image Turbo",
});
