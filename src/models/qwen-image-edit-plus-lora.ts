import * as z from "zod";
import { defineOperation } from "./define.ts";
import { knownAs } from "./facts.ts";
import * as fields from "./fields.ts";

const isData = (url: string) => /^data:/i.test(url);

/** The one name that is printed; the list of sizes that the documents point to is in none of them. */
const DOCUMENTED_SIZES: readonly string[] = ["square_hd"];

const sidePx = () => z.number().min(1).optional();

export const qwenImageEditPlusLora = defineOperation({
  name: "qwen_image_edit_plus_lora",
  title: "Qwen Image Edit Plus: compose from references",
  description:
    "Combine, merge or edit several reference images or photos (1-10) into one scene, to keep a person, character or product the same; takes no trained LoRA. Paid: $0.055.",
  searchHint:
    "blend photos, use pictures as reference, put this product into a new scene, same person in different poses, consistent character, composite, collage",
  kind: "queued",
  modelId: "qwen-image-edit-plus-lora",
  path: "/qwen-image-edit-plus/v1/qwen-image-edit-plus-lora/generate",
  price: { usd: 0.055, per: "image", source: "All Resolution | $0.055" },
  input: z.object({
    prompt: fields.editPrompt(),
    image_urls: z.array(fields.picture()).min(1).max(10).describe("Reference pictures"),
    image_size: z
      .union([
        knownAs(z.string().min(1), { known: [...DOCUMENTED_SIZES] }),
        z.looseObject({ width: sidePx(), height: sidePx() }),
      ])
      .optional()
      .describe("Such as square_hd"),
    num_inference_steps: fields.anySteps(),
    seed: z.int().min(0).optional(),
    guidance_scale: fields.guidance(),
    num_images: fields.upToFourImages(),
    output_format: fields.outputFormat(["png", "jpeg"]),
    negative_prompt: fields.negativePrompt(),
    acceleration: fields.acceleration(["none", "regular"]),
    enable_safety_checker: fields.safetyChecker(),
    webhook: fields.webhookUrl(),
    webhook_events_filter: fields.webhookEvents(),
  }),
  files: [{ name: "image_urls", kind: "picture", dataUris: "unpromised" }],
  toWire: (input) => input,
  warnings: (input) => [
    ...(input.image_urls.some(isData)
      ? ["The provider's documents do not promise that this operation takes data URIs."]
      : []),
    ...(typeof input.image_size === "string" && !DOCUMENTED_SIZES.includes(input.image_size)
      ? ["`image_size`: the provider's documents print no list of sizes, only `square_hd`."]
      : []),
    ...fields.pictureWarnings(input.image_urls),
  ],
  media: "images",
  pace: { firstPollMs: 5_000, typicalMs: 20_000 },
  example: {
    prompt: "Close shot of a woman standing next to this car on this highway",
    image_urls: [
      "https://example.com/reference1.png",
      "https://example.com/reference2.png",
      "https://example.com/reference3.png",
    ],
    image_size: "square_hd",
    num_inference_steps: 50,
    guidance_scale: 4,
    num_images: 1,
    output_format: "png",
    negative_prompt: " ",
    acceleration: "regular",
    enable_safety_checker: true,
  },
  source: "Pixazo: Qwen LoRA v1 Text to Image (LoRA)",
});
