import * as z from "zod";
import { defineOperation } from "./define.ts";
import * as fields from "./fields.ts";

export const qwenImageEditPlusTrain = defineOperation({
  name: "qwen_image_edit_plus_train",
  title: "Qwen Image Edit Plus: train a LoRA",
  description:
    "Train (fine-tune) a LoRA on your own picture pairs; slow. No documented way to use its weights here. Paid: $0.04.",
  searchHint: "finetune with a dataset, train a custom style, teach a model, fine-tuning",
  kind: "queued",
  modelId: "qwen-image-edit-plus-trainer",
  path: "/qwen-image-edit-plus-trainer/v1/qwen-image-edit-plus-trainer/generate",
  price: { usd: 0.04, per: "run", source: "All Resolution | $0.04" },
  input: z.object({
    image_data_url: fields.archive("ZIP (URL, path) or folder"),
    learning_rate: z.number().min(0).max(1).optional(),
    steps: z.int().min(1).max(10_000).optional().describe("Training steps"),
    default_caption: fields.words().optional().describe("Caption where a file has none"),
    reference_image_count: z.int().min(1).max(10).optional().describe("References per entry"),
    webhook: fields.webhookUrl(),
    webhook_events_filter: fields.webhookEvents(),
  }),
  files: [
    {
      name: "image_data_url",
      kind: "archive",
      dataUris: "no",
      training: { defaultCaption: "default_caption", referenceCount: "reference_image_count" },
    },
  ],
  toWire: (input) => input,
  warnings: (input) => fields.pictureWarnings([input.image_data_url]),
  media: "weights",
  pace: { firstPollMs: 10_000, typicalMs: 600_000 },
  example: {
    image_data_url: "https://example.com/lighting-training.zip",
    learning_rate: 0.0002,
    steps: 2000,
    default_caption: "professional cinematic lighting with dramatic shadows",
    reference_image_count: 2,
    webhook: "https://your-domain.com/training-complete",
  },
  source: "Pixazo: Qwen LoRA v1 Image to Image (LoRA Trainer)",
});
