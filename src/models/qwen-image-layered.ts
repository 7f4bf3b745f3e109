import * as z from "zod";
import { defineOperation } from "./define.ts";
import { knownAs } from "./facts.ts";
import * as fields from "./fields.ts";

export const qwenImageLayered = defineOperation({
  name: "qwen_image_layered",
  title: "Qwen Image Layered: split into layers",
  description:
    "Split or separate an image into transparent PNG layers: cut out objects. Paid: $0.05.",
  searchHint:
    "extract layers, decompose, transparent background, cutout, isolate subject, foreground, segment, alpha",
  kind: "queued",
  modelId: "qwen-image-layered",
  path: "/qwen-image-layered/v1/qwen-image-layered-request",
  price: { usd: 0.05, per: "generation", source: "All Resolution | $0.05" },
  input: z.object({
    image_url: fields.picture(),
    num_inference_steps: fields.anySteps(),
    guidance_scale: fields.anyGuidance(),
    num_images: knownAs(z.int().min(1).max(1), {
      tooLarge: "Number of layer sets to generate (currently supports only 1).",
    })
      .optional()
      .describe("Only 1"),
    enable_safety_checker: fields.safetyChecker(),
    output_format: fields.outputFormat(["png"]),
    acceleration: fields.acceleration(["regular", "fast"]),
  }),
  files: [{ name: "image_url", kind: "picture", dataUris: "no" }],
  toWire: (input) => input,
  warnings: (input) => fields.pictureWarnings([input.image_url]),
  media: "layers",
  pace: { firstPollMs: 8_000, typicalMs: 20_000 },
  example: {
    image_url: "https://pub-582b7213209642b9b995c96c95a30381.r2.dev/car_race.jpeg",
    num_inference_steps: 28,
    guidance_scale: 5.0,
    num_images: 1,
    enable_safety_checker: true,
    output_format: "png",
    acceleration: "regular",
  },
  source: "Pixazo: Qwen LoRA v1 Image to Image (Image Editing - Layered)",
});
