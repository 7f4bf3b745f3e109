import * as z from "zod";
import { defineOperation } from "./define.ts";
import * as fields from "./fields.ts";

const SIZES = ["1328*1328", "1024*1024", "768*768", "512*512"] as const;

export const qwenImage = defineOperation({
  name: "qwen_image_generate",
  title: "Qwen Image: text to image",
  description:
    "Make one picture; good at Chinese and English text. Watermarked unless watermark=false. Paid: $0.045.",
  kind: "sync",
  modelId: "qwen-image",
  path: "/qwen-image/v1/generateMultimodeTextToImageRequest",
  price: { usd: 0.045, per: "image", source: "All Resolution | $0.045" },
  input: z.object({
    prompt: fields.prompt(),
    negative_prompt: fields.negativePrompt(),
    prompt_extend: z.boolean().optional().describe("Default true"),
    watermark: z.boolean().optional().describe("Default true"),
    size: z.enum(SIZES).optional().describe("Default 1328*1328"),
  }),
  toWire: ({ prompt, ...parameters }) => ({
    model: "qwen-image",
    input: { messages: [{ role: "user", content: [{ text: prompt }] }] },
    parameters: Object.keys(parameters).length > 0 ? parameters : undefined,
  }),
  warnings: (input) =>
    input.watermark === undefined
      ? ["The provider adds a watermark by default; `watermark: false` leaves it out."]
      : [],
  media: "images",
  pace: { firstPollMs: 5_000, typicalMs: 15_000 },
  example: {
    prompt:
      "A serene lake at sunset, with mountains reflected in the water and a lone canoe on the shore.",
    negative_prompt: "",
    prompt_extend: true,
    watermark: true,
    size: "1328*1328",
  },
  source: "Pixazo: Qwen Image text to image",
});
