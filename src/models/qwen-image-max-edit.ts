import * as z from "zod";
import { defineOperation } from "./define.ts";
import * as fields from "./fields.ts";

export const qwenImageMaxEdit = defineOperation({
  name: "qwen_image_max_edit",
  title: "Qwen Image Max: edit a picture",
  description: "Edits by the strongest model of its family. Price not published.",
  kind: "queued",
  modelId: "qwen-image-max-edit",
  path: "/qwen-image-max-edit/v1/qwen-image-max-edit-request",
  price: { usd: null, per: "image", source: "No data available" },
  input: z.object({
    prompt: fields.editPrompt(),
    image_urls: z.array(fields.picture()).min(1).describe("Source picture; only the first is used"),
    negative_prompt: fields.negativePrompt(),
    enable_prompt_expansion: fields.promptExpansion(),
    enable_safety_checker: fields.safetyChecker(),
    num_images: fields.upToFourImages(),
    output_format: fields.outputFormat(["png", "jpeg", "webp"]),
  }),
  files: [{ name: "image_urls", kind: "picture", dataUris: "no" }],
  toWire: (input) => input,
  warnings: (input) => [
    ...(input.image_urls.length > 1 ? ["The provider uses only the first picture."] : []),
    ...fields.pictureWarnings(input.image_urls),
  ],
  media: "images",
  pace: { firstPollMs: 5_000, typicalMs: 20_000 },
  example: {
    prompt:
      "Transform the background into a serene mountain landscape with snow-capped peaks and a clear blue sky",
    negative_prompt: "low resolution, error, worst quality, low quality, deformed",
    enable_prompt_expansion: true,
    enable_safety_checker: true,
    num_images: 1,
    output_format: "png",
    image_urls: ["https://imagesai.appypie.com/7686410/JUEOHp2Y3FDjmXwOQJVy_017731476841749.png"],
  },
  source: "Pixazo: Qwen Image Max Edit",
});
