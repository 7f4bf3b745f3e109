import * as z from "zod";
import { defineOperation } from "./define.ts";
import * as fields from "./fields.ts";

export const qwenImageEdit = defineOperation({
  name: "qwen_image_edit",
  title: "Qwen Image: edit a picture",
  description:
    "Edit, change or modify a photo, picture or image: remove, erase, replace or add a thing, text, person or background; retouch. Takes local files as they are. Paid: $0.045.",
  searchHint:
    "image editing, turn a photo into, make it look like, change the colour in this picture, clean up the background, alter, swap, transform, improve, fix, enhance, brighten, crop, restyle, inpaint",
  kind: "sync",
  modelId: "qwen-image-edit",
  path: "/qwen-image/v1/generateMultimodeTextToImageEditRequest",
  price: { usd: 0.045, per: "image", source: "All Resolution | $0.045" },
  input: z.object({
    prompt: fields.editPrompt(),
    image: fields.picture(),
    negative_prompt: fields.negativePrompt(),
    watermark: z.boolean().optional().describe("Default false"),
  }),
  files: [{ name: "image", kind: "picture", dataUris: "documented" }],
  toWire: ({ prompt, image, ...parameters }) => ({
    model: "qwen-image-edit",
    input: { messages: [{ role: "user", content: [{ image }, { text: prompt }] }] },
    parameters: Object.keys(parameters).length > 0 ? parameters : undefined,
  }),
  warnings: (input) => fields.pictureWarnings([input.image]),
  media: "images",
  pace: { firstPollMs: 5_000, typicalMs: 30_000 },
  example: {
    prompt: "Change the person to a walking position, bending over to hold the bear's front paws.",
    image: "https://pub-582b7213209642b9b995c96c95a30381.r2.dev/manwithbear.jpg",
    negative_prompt: "",
    watermark: false,
  },
  source: "Pixazo: Qwen Image Edit (Img2Img)",
});
