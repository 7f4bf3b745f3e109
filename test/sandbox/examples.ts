/*
 * The requests of the provider's documentation, letter by letter: of each operation the shortest
 * and the fullest. Catalogue and sandbox are both held to them, and none of it is taken from either:
 * a mistake there must not agree with itself.
 */

export const PATHS = {
  longcat: "/longcat-image-498/v1/longcat-image-request",
  turbo: "/z-image-turbo-834/v1/z-image-turbo-request",
  base: "/z-image-base/v1/z-image-base-request",
  maxEdit: "/qwen-image-max-edit/v1/qwen-image-max-edit-request",
  max: "/qwen-image-max/v1/qwen-image-max-request",
  lora: "/qwen-image-edit-plus/v1/qwen-image-edit-plus-lora/generate",
  trainer: "/qwen-image-edit-plus-trainer/v1/qwen-image-edit-plus-trainer/generate",
  layered: "/qwen-image-layered/v1/qwen-image-layered-request",
  edit: "/qwen-image/v1/generateMultimodeTextToImageEditRequest",
  generate: "/qwen-image/v1/generateMultimodeTextToImageRequest",
  legacy: "/longcat-image-request-result",
} as const;

const lioness =
  "A lioness crouching in the tall dry grass of the Serengeti during golden hour, intense gaze, telephoto lens with shallow depth of field";
const elder =
  "A hyper-realistic close-up of an Omo Valley tribal elder, adorned with white chalk patterns and a headdress of dried flowers, seed pods, and bottle caps. Razor-sharp skin texture with every pore and wrinkle visible. A warm firelight glows in the elder's soulful eyes against a blurred, smoky hut interior, captured in a Leica M6 / Kodak Portra 400 film aesthetic.";
const knitting = "Grandmother knitting by a window, an empty chair by her";
const serene =
  "Transform the background into a serene mountain landscape with snow-capped peaks and a clear blue sky";
const tiger =
  "A majestic white tiger resting on a mossy rock beside a waterfall in a tropical rainforest, photorealistic";
const negative = "low resolution, error, worst quality, low quality, deformed";
const source = ["https://imagesai.appypie.com/7686410/JUEOHp2Y3FDjmXwOQJVy_017731476841749.png"];
const highway = {
  prompt: "Close shot of a woman standing next to this car on this highway",
  image_urls: [
    "https://example.com/reference1.png",
    "https://example.com/reference2.png",
    "https://example.com/reference3.png",
  ],
};
const race = "https://pub-582b7213209642b9b995c96c95a30381.r2.dev/car_race.jpeg";

export interface QueueExample {
  modelId: string;
  path: string;
  minimum: Record<string, unknown>;
  full: Record<string, unknown>;
}

export const QUEUE_EXAMPLES: readonly QueueExample[] = [
  {
    modelId: "longcat-image-498",
    path: PATHS.longcat,
    minimum: { prompt: lioness, image_size: "landscape_4_3" },
    full: {
      prompt: lioness,
      image_size: "landscape_4_3",
      num_inference_steps: 28,
      guidance_scale: 4.5,
      num_images: 1,
      enable_safety_checker: true,
      output_format: "png",
      acceleration: "regular",
    },
  },
  {
    modelId: "z-image-turbo-834",
    path: PATHS.turbo,
    minimum: { prompt: elder, image_size: "landscape_4_3" },
    full: {
      prompt: elder,
      image_size: "landscape_4_3",
      num_inference_steps: 8,
      num_images: 1,
      enable_safety_checker: true,
      output_format: "png",
      acceleration: "none",
    },
  },
  {
    modelId: "z-image-base",
    path: PATHS.base,
    minimum: { prompt: knitting, image_size: "landscape_4_3" },
    full: {
      prompt: knitting,
      image_size: "landscape_4_3",
      num_inference_steps: 28,
      guidance_scale: 4,
      num_images: 1,
      enable_safety_checker: true,
      output_format: "png",
      acceleration: "regular",
    },
  },
  {
    modelId: "qwen-image-max-edit",
    path: PATHS.maxEdit,
    minimum: { prompt: serene, image_urls: source },
    full: {
      prompt: serene,
      negative_prompt: negative,
      enable_prompt_expansion: true,
      enable_safety_checker: true,
      num_images: 1,
      output_format: "png",
      image_urls: source,
    },
  },
  {
    modelId: "qwen-image-max",
    path: PATHS.max,
    minimum: { prompt: tiger },
    full: {
      prompt: tiger,
      negative_prompt: negative,
      image_size: "square_hd",
      enable_prompt_expansion: true,
      enable_safety_checker: true,
      num_images: 1,
      output_format: "png",
    },
  },
  {
    modelId: "qwen-image-edit-plus-lora",
    path: PATHS.lora,
    minimum: highway,
    full: {
      ...highway,
      image_size: "square_hd",
      num_inference_steps: 50,
      guidance_scale: 4,
      num_images: 1,
      output_format: "png",
      negative_prompt: " ",
      acceleration: "regular",
      enable_safety_checker: true,
    },
  },
  {
    modelId: "qwen-image-edit-plus-trainer",
    path: PATHS.trainer,
    minimum: { image_data_url: "https://example.com/lighting-training.zip", steps: 1000 },
    full: {
      image_data_url: "https://example.com/lighting-training.zip",
      learning_rate: 0.0002,
      steps: 2000,
      default_caption: "professional cinematic lighting with dramatic shadows",
      reference_image_count: 2,
      webhook: "https://your-domain.com/training-complete",
    },
  },
  {
    modelId: "qwen-image-layered",
    path: PATHS.layered,
    minimum: { image_url: race },
    full: {
      image_url: race,
      num_inference_steps: 28,
      guidance_scale: 5.0,
      num_images: 1,
      enable_safety_checker: true,
      output_format: "png",
      acceleration: "regular",
    },
  },
];

/** The documented request of the synchronous edit, with another picture if wanted. */
export function editRequest(
  image = "https://pub-582b7213209642b9b995c96c95a30381.r2.dev/manwithbear.jpg",
) {
  return {
    model: "qwen-image-edit",
    input: {
      messages: [
        {
          role: "user",
          content: [
            { image },
            {
              text: "Change the person to a walking position, bending over to hold the bear's front paws.",
            },
          ],
        },
      ],
    },
    parameters: { negative_prompt: "", watermark: false },
  };
}

/** The documented request of the synchronous generation. */
export function generateRequest(parameters: Record<string, unknown> = { size: "1328*1328" }) {
  const text =
    "A serene lake at sunset, with mountains reflected in the water and a lone canoe on the shore.";
  return {
    model: "qwen-image",
    input: { messages: [{ role: "user", content: [{ text }] }] },
    parameters,
  };
}
