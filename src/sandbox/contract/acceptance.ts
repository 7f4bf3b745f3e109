import type { Fields, Rule } from "./rules.ts";

/**
 * What the imitated gateway accepts, operation by operation, as the API documents state it.
 * Written out by hand on purpose: rules shared with the catalogue would repeat its mistakes.
 */
export interface UpstreamOperation {
  /** The operation's title in the API documents; it is drawn on every picture. */
  title: string;
  path: string;
  /** As in request ids; not always the path. */
  modelId: string;
  body: Rule & { type: "object" };
  output: "pictures" | "layers" | "weights";
  /** From the request to the finished result with a free worker, at speed 1. */
  durationMs: number;
}

const text: Rule = { type: "string" };
const flag: Rule = { type: "boolean" };
const integer: Rule = { type: "integer" };
const number: Rule = { type: "number" };
const oneOf = (...values: string[]): Rule => ({ type: "string", oneOf: values });
const httpUrl: Rule = { type: "string", url: "http" };
const httpOrDataUrl: Rule = { type: "string", url: "http or data" };
const body = (required: Fields, optional: Fields = {}): UpstreamOperation["body"] => ({
  type: "object",
  required,
  optional,
});

export const QUEUE_OPERATIONS: readonly UpstreamOperation[] = [
  {
    title: "LongCat-Image",
    path: "/longcat-image-498/v1/longcat-image-request",
    modelId: "longcat-image-498",
    output: "pictures",
    durationMs: 1500,
    body: body(
      {
        prompt: text,
        image_size: oneOf(
          "landscape_4_3",
          "portrait_3_4",
          "square_1_1",
          "ultra_wide_16_9",
          "ultra_portrait_9_16",
        ),
      },
      {
        num_inference_steps: integer,
        guidance_scale: number,
        num_images: { type: "integer", min: 1 },
        enable_safety_checker: flag,
        output_format: oneOf("png", "jpeg", "webp"),
        acceleration: oneOf("regular", "high_performance"),
      },
    ),
  },
  {
    title: "Z-Image Turbo",
    path: "/z-image-turbo-834/v1/z-image-turbo-request",
    modelId: "z-image-turbo-834",
    output: "pictures",
    durationMs: 1000,
    body: body(
      {
        prompt: text,
        image_size: oneOf(
          "portrait_3_4",
          "landscape_4_3",
          "square_1_1",
          "portrait_9_16",
          "landscape_16_9",
        ),
      },
      {
        num_inference_steps: { type: "integer", min: 1, max: 50 },
        num_images: { type: "integer", min: 1, max: 4 },
        enable_safety_checker: flag,
        output_format: oneOf("png", "jpeg", "webp"),
        acceleration: oneOf("none"),
      },
    ),
  },
  {
    title: "Z-Image Base",
    path: "/z-image-base/v1/z-image-base-request",
    modelId: "z-image-base",
    output: "pictures",
    durationMs: 1500,
    body: body(
      {
        prompt: text,
        image_size: oneOf(
          "landscape_4_3",
          "portrait_3_4",
          "square_1_1",
          "landscape_16_9",
          "portrait_9_16",
        ),
      },
      {
        num_inference_steps: { type: "integer", min: 10, max: 100 },
        guidance_scale: { type: "number", min: 1, max: 20 },
        num_images: { type: "integer", min: 1, max: 4 },
        enable_safety_checker: flag,
        output_format: oneOf("png", "jpeg", "webp"),
        acceleration: oneOf("regular", "fast", "ultra_fast"),
      },
    ),
  },
  {
    title: "Qwen Image Max Edit",
    path: "/qwen-image-max-edit/v1/qwen-image-max-edit-request",
    modelId: "qwen-image-max-edit",
    output: "pictures",
    durationMs: 2000,
    body: body(
      { prompt: text, image_urls: { type: "array", of: httpUrl, min: 1 } },
      {
        negative_prompt: text,
        enable_prompt_expansion: flag,
        enable_safety_checker: flag,
        num_images: { type: "integer", min: 1, max: 4 },
        output_format: oneOf("png", "jpeg", "webp"),
      },
    ),
  },
  {
    title: "Qwen Image Max",
    path: "/qwen-image-max/v1/qwen-image-max-request",
    modelId: "qwen-image-max",
    output: "pictures",
    durationMs: 2000,
    body: body(
      { prompt: text },
      {
        negative_prompt: text,
        image_size: oneOf("square_hd", "portrait_hd", "landscape_hd"),
        enable_prompt_expansion: flag,
        enable_safety_checker: flag,
        num_images: { type: "integer", min: 1, max: 4 },
        output_format: oneOf("png", "jpeg", "webp"),
      },
    ),
  },
  {
    title: "Qwen Image Edit Plus LoRA",
    path: "/qwen-image-edit-plus/v1/qwen-image-edit-plus-lora/generate",
    modelId: "qwen-image-edit-plus-lora",
    output: "pictures",
    durationMs: 2000,
    body: body(
      { prompt: text, image_urls: { type: "array", of: httpOrDataUrl, min: 1, max: 10 } },
      {
        image_size: { type: "either", of: [text, { type: "object" }] },
        num_inference_steps: number,
        seed: number,
        guidance_scale: { type: "number", min: 1, max: 20 },
        num_images: { type: "number", min: 1, max: 4 },
        output_format: oneOf("png", "jpeg"),
        negative_prompt: text,
        acceleration: oneOf("none", "regular"),
        enable_safety_checker: flag,
        webhook: httpUrl,
        webhook_events_filter: { type: "array", of: oneOf("start", "complete", "*") },
      },
    ),
  },
  {
    title: "Qwen Image Edit Plus Trainer",
    path: "/qwen-image-edit-plus-trainer/v1/qwen-image-edit-plus-trainer/generate",
    modelId: "qwen-image-edit-plus-trainer",
    output: "weights",
    durationMs: 4000,
    body: body(
      { image_data_url: httpOrDataUrl },
      {
        learning_rate: { type: "number", min: 0, max: 1 },
        steps: { type: "number", min: 1, max: 10_000 },
        default_caption: text,
        reference_image_count: { type: "number", min: 1, max: 10 },
        webhook: httpUrl,
        webhook_events_filter: { type: "array", of: text },
      },
    ),
  },
  {
    title: "Qwen Image Layered",
    path: "/qwen-image-layered/v1/qwen-image-layered-request",
    modelId: "qwen-image-layered",
    output: "layers",
    durationMs: 2500,
    body: body(
      { image_url: httpUrl },
      {
        num_inference_steps: integer,
        guidance_scale: number,
        num_images: { type: "integer", min: 1, max: 1 },
        enable_safety_checker: flag,
        output_format: oneOf("png"),
        acceleration: oneOf("regular", "fast"),
      },
    ),
  },
];

const messages = (content: Rule): Rule => ({
  type: "object",
  required: {
    messages: {
      type: "array",
      min: 1,
      of: { type: "object", required: { role: oneOf("user"), content } },
    },
  },
});

/** Answers with the picture itself, after a while. */
export const SYNC_EDIT: UpstreamOperation = {
  title: "Qwen Image Edit",
  path: "/qwen-image/v1/generateMultimodeTextToImageEditRequest",
  modelId: "qwen-image-edit",
  output: "pictures",
  durationMs: 1200,
  body: body(
    {
      model: oneOf("qwen-image-edit"),
      input: messages({
        type: "array",
        holding: ["image", "text"],
        of: { type: "object", optional: { image: httpOrDataUrl, text } },
      }),
    },
    { parameters: { type: "object", optional: { negative_prompt: text, watermark: flag } } },
  ),
};

/** Answers with the picture itself, after a while. */
export const SYNC_GENERATE: UpstreamOperation = {
  title: "Qwen Image",
  path: "/qwen-image/v1/generateMultimodeTextToImageRequest",
  modelId: "qwen-image",
  output: "pictures",
  durationMs: 1000,
  body: body(
    {
      model: oneOf("qwen-image"),
      input: messages({
        type: "array",
        holding: ["text"],
        of: { type: "object", optional: { text } },
      }),
    },
    {
      parameters: {
        type: "object",
        optional: {
          negative_prompt: text,
          prompt_extend: flag,
          watermark: flag,
          size: oneOf("1328*1328", "1024*1024", "768*768", "512*512"),
        },
      },
    },
  ),
};
