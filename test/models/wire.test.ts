import { describe, expect, it } from "vitest";
import { OPERATIONS } from "../../src/models/catalogue.ts";
import { operation, prepare, wire } from "../support/operations.ts";

/*
 * The request bodies of the provider's documentation, letter by letter. They are not taken from
 * the catalogue: a mistake there must not agree with itself.
 */
const LIONESS =
  "A lioness crouching in the tall dry grass of the Serengeti during golden hour, intense gaze, telephoto lens with shallow depth of field";
const ELDER =
  "A hyper-realistic close-up of an Omo Valley tribal elder, adorned with white chalk patterns and a headdress of dried flowers, seed pods, and bottle caps. Razor-sharp skin texture with every pore and wrinkle visible. A warm firelight glows in the elder's soulful eyes against a blurred, smoky hut interior, captured in a Leica M6 / Kodak Portra 400 film aesthetic.";
const MOUNTAINS =
  "Transform the background into a serene mountain landscape with snow-capped peaks and a clear blue sky";
const TIGER =
  "A majestic white tiger resting on a mossy rock beside a waterfall in a tropical rainforest, photorealistic";
const WALKING =
  "Change the person to a walking position, bending over to hold the bear's front paws.";
const LAKE =
  "A serene lake at sunset, with mountains reflected in the water and a lone canoe on the shore.";
const BEAR = "https://pub-582b7213209642b9b995c96c95a30381.r2.dev/manwithbear.jpg";
const APPYPIE = "https://imagesai.appypie.com/7686410/JUEOHp2Y3FDjmXwOQJVy_017731476841749.png";
const REFERENCES = [
  "https://example.com/reference1.png",
  "https://example.com/reference2.png",
  "https://example.com/reference3.png",
];

/** Queued operations take the wire's own names, so their arguments are the body. */
const QUEUED: [operation: string, request: string, body: Record<string, unknown>][] = [
  [
    "longcat_image_generate",
    "full",
    {
      prompt: LIONESS,
      image_size: "landscape_4_3",
      num_inference_steps: 28,
      guidance_scale: 4.5,
      num_images: 1,
      enable_safety_checker: true,
      output_format: "png",
      acceleration: "regular",
    },
  ],
  ["longcat_image_generate", "required", { prompt: LIONESS, image_size: "landscape_4_3" }],
  [
    "z_image_turbo_generate",
    "full",
    {
      prompt: ELDER,
      image_size: "landscape_4_3",
      num_inference_steps: 8,
      num_images: 1,
      enable_safety_checker: true,
      output_format: "png",
      acceleration: "none",
    },
  ],
  ["z_image_turbo_generate", "required", { prompt: ELDER, image_size: "landscape_4_3" }],
  [
    "z_image_base_generate",
    "minimum",
    {
      prompt: "Grandmother knitting by a window, an empty chair by her",
      image_size: "landscape_4_3",
    },
  ],
  [
    "z_image_base_generate",
    "full",
    {
      prompt: "Grandmother knitting by a window, an empty chair by her",
      image_size: "landscape_4_3",
      num_inference_steps: 28,
      guidance_scale: 4,
      num_images: 1,
      enable_safety_checker: true,
      output_format: "png",
      acceleration: "regular",
    },
  ],
  ["qwen_image_max_edit", "minimum", { prompt: MOUNTAINS, image_urls: [APPYPIE] }],
  [
    "qwen_image_max_edit",
    "full",
    {
      prompt: MOUNTAINS,
      negative_prompt: "low resolution, error, worst quality, low quality, deformed",
      enable_prompt_expansion: true,
      enable_safety_checker: true,
      num_images: 1,
      output_format: "png",
      image_urls: [APPYPIE],
    },
  ],
  ["qwen_image_max_generate", "minimum", { prompt: TIGER }],
  [
    "qwen_image_max_generate",
    "full",
    {
      prompt: TIGER,
      negative_prompt: "low resolution, error, worst quality, low quality, deformed",
      image_size: "square_hd",
      enable_prompt_expansion: true,
      enable_safety_checker: true,
      num_images: 1,
      output_format: "png",
    },
  ],
  [
    "qwen_image_edit_plus_lora",
    "minimum",
    {
      prompt: "Close shot of a woman standing next to this car on this highway",
      image_urls: REFERENCES,
    },
  ],
  [
    "qwen_image_edit_plus_lora",
    "full",
    {
      prompt: "Close shot of a woman standing next to this car on this highway",
      image_urls: REFERENCES,
      image_size: "square_hd",
      num_inference_steps: 50,
      guidance_scale: 4,
      num_images: 1,
      output_format: "png",
      negative_prompt: " ",
      acceleration: "regular",
      enable_safety_checker: true,
    },
  ],
  [
    "qwen_image_edit_plus_train",
    "short",
    { image_data_url: "https://example.com/lighting-training.zip", steps: 1000 },
  ],
  [
    "qwen_image_edit_plus_train",
    "full",
    {
      image_data_url: "https://example.com/lighting-training.zip",
      learning_rate: 0.0002,
      steps: 2000,
      default_caption: "professional cinematic lighting with dramatic shadows",
      reference_image_count: 2,
      webhook: "https://your-domain.com/training-complete",
    },
  ],
  [
    "qwen_image_layered",
    "full",
    {
      image_url: "https://pub-582b7213209642b9b995c96c95a30381.r2.dev/car_race.jpeg",
      num_inference_steps: 28,
      guidance_scale: 5.0,
      num_images: 1,
      enable_safety_checker: true,
      output_format: "png",
      acceleration: "regular",
    },
  ],
  [
    "qwen_image_layered",
    "required",
    { image_url: "https://pub-582b7213209642b9b995c96c95a30381.r2.dev/car_race.jpeg" },
  ],
];

describe("the documented requests of the queued operations", () => {
  it.each(QUEUED)("%s, %s request", (name, _request, body) => {
    expect(prepare(name, body).wire).toStrictEqual(body);
  });

  it("covers every queued operation", () => {
    const queued = OPERATIONS.filter((one) => one.kind === "queued").map((one) => one.name);
    expect(new Set(QUEUED.map(([name]) => name))).toEqual(new Set(queued));
  });
});

describe("the documented requests of the synchronous operations", () => {
  const editMessages = [{ role: "user", content: [{ image: BEAR }, { text: WALKING }] }];
  const lakeMessages = [{ role: "user", content: [{ text: LAKE }] }];

  it.each<[string, string, Record<string, unknown>, unknown]>([
    [
      "qwen_image_edit",
      "full",
      { prompt: WALKING, image: BEAR, negative_prompt: "", watermark: false },
      {
        model: "qwen-image-edit",
        input: { messages: editMessages },
        parameters: { negative_prompt: "", watermark: false },
      },
    ],
    [
      "qwen_image_edit",
      "required",
      { prompt: WALKING, image: BEAR },
      { model: "qwen-image-edit", input: { messages: editMessages } },
    ],
    [
      "qwen_image_generate",
      "minimum",
      { prompt: LAKE, size: "1328*1328" },
      {
        model: "qwen-image",
        input: { messages: lakeMessages },
        parameters: { size: "1328*1328" },
      },
    ],
    [
      "qwen_image_generate",
      "full",
      {
        prompt: LAKE,
        negative_prompt: "",
        prompt_extend: true,
        watermark: true,
        size: "1328*1328",
      },
      {
        model: "qwen-image",
        input: { messages: lakeMessages },
        parameters: {
          negative_prompt: "",
          prompt_extend: true,
          watermark: true,
          size: "1328*1328",
        },
      },
    ],
    [
      "qwen_image_generate",
      "required",
      { prompt: LAKE },
      { model: "qwen-image", input: { messages: lakeMessages } },
    ],
  ])("%s, %s request", (name, _request, args, body) => {
    expect(prepare(name, args).wire).toStrictEqual(body);
  });
});

describe("what is sent beside the documented examples", () => {
  it("nothing the caller did not set, though the caller's tool spells it out as undefined", () => {
    const body = { prompt: "A cat", image_size: "square_1_1" };
    const args = { ...body, num_images: undefined, acceleration: undefined };
    expect(wire("longcat_image_generate", args)).toStrictEqual(body);
    expect(
      wire("qwen_image_edit", { prompt: "A", image: BEAR, watermark: undefined }),
    ).not.toHaveProperty("parameters");
  });

  it("nothing of the arguments that are ours or a host's own", () => {
    const ours = { prompt: "A cat", wait_seconds: 5, save_to: "x.png" };
    const { wire: sent } = operation("qwen_image_max_generate").prepare(ours);
    expect(sent).toStrictEqual({ prompt: "A cat" });
    const injected = { prompt: "A cat", _meta: 1, "x-host": "y", sessionId: "z" };
    expect(wire("qwen_image_max_generate", injected)).toStrictEqual({ prompt: "A cat" });
  });

  it("false, zero, an empty text and a single space just as given", () => {
    const args = {
      prompt: "A cat",
      image_urls: REFERENCES,
      seed: 0,
      negative_prompt: " ",
      enable_safety_checker: false,
    };
    expect(wire("qwen_image_edit_plus_lora", args)).toStrictEqual(args);
    expect(wire("qwen_image_max_generate", { prompt: "A", negative_prompt: "" })).toStrictEqual({
      prompt: "A",
      negative_prompt: "",
    });
  });

  it("an image size that is an object, unchanged", () => {
    const image_size = { width: 640, height: 480, unit: { of: "pixels" } };
    const args = { prompt: "A", image_urls: REFERENCES, image_size };
    expect(wire("qwen_image_edit_plus_lora", args)).toStrictEqual(args);
  });

  it("all pictures of a max edit, and a warning that only the first counts", () => {
    const prepared = prepare("qwen_image_max_edit", { prompt: "A", image_urls: REFERENCES });
    expect(prepared.wire["image_urls"]).toEqual(REFERENCES);
    expect(prepared.warnings).toEqual([expect.stringContaining("first")]);
  });

  it("webhook fields where the operation has them", () => {
    const args = {
      image_data_url: "https://example.com/a.zip",
      webhook: "https://example.com/hook",
      webhook_events_filter: ["complete"],
    };
    expect(wire("qwen_image_edit_plus_train", args)).toStrictEqual(args);
    const lone = { ...args, webhook_events_filter: "*" };
    expect(wire("qwen_image_edit_plus_train", lone)).toMatchObject({
      webhook_events_filter: ["*"],
    });
  });
});
