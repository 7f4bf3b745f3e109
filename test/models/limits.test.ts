import { describe, expect, it } from "vitest";
import { OPERATIONS } from "../../src/models/catalogue.ts";
import { prepare, refusal } from "../support/operations.ts";

const PICTURE = "https://example.com/a.png";
const ZIP = "https://example.com/a.zip";

/** The fewest arguments each operation takes. */
const REQUIRED: Readonly<Record<string, Record<string, unknown>>> = {
  longcat_image_generate: { prompt: "A cat", image_size: "square_1_1" },
  z_image_turbo_generate: { prompt: "A cat", image_size: "square_1_1" },
  z_image_base_generate: { prompt: "A cat", image_size: "square_1_1" },
  qwen_image_max_edit: { prompt: "A cat", image_urls: [PICTURE] },
  qwen_image_max_generate: { prompt: "A cat" },
  qwen_image_edit_plus_lora: { prompt: "A cat", image_urls: [PICTURE] },
  qwen_image_edit_plus_train: { image_data_url: ZIP },
  qwen_image_layered: { image_url: PICTURE },
  qwen_image_edit: { prompt: "A cat", image: PICTURE },
  qwen_image_generate: { prompt: "A cat" },
};

describe("required arguments", () => {
  it("are stated here for every operation", () => {
    expect(Object.keys(REQUIRED).sort()).toEqual(OPERATIONS.map((one) => one.name).sort());
  });

  it.each(Object.entries(REQUIRED))(
    "%s takes them alone, and none may be left out",
    (name, args) => {
      expect(() => prepare(name, args)).not.toThrow();
      for (const field of Object.keys(args)) {
        const { [field]: _, ...rest } = args;
        expect(refusal(name, rest)).toContain(`\`${field}\` is required.`);
      }
    },
  );
});

const FORMATS = ["png", "jpeg", "webp"];
const Z_SIZES = ["portrait_3_4", "landscape_4_3", "square_1_1", "portrait_9_16", "landscape_16_9"];

/** Every list of words in the documentation, and words that are near but not in it. */
const WORDS: [operation: string, field: string, allowed: string[], refused: string[]][] = [
  [
    "longcat_image_generate",
    "image_size",
    ["landscape_4_3", "portrait_3_4", "square_1_1", "ultra_wide_16_9", "ultra_portrait_9_16"],
    ["landscape_16_9", "portrait_9_16", "square_hd", "1024*1024", ""],
  ],
  ["longcat_image_generate", "output_format", FORMATS, ["jpg", "gif"]],
  [
    "longcat_image_generate",
    "acceleration",
    ["regular", "high_performance"],
    ["none", "fast", "ultra_fast"],
  ],
  ["z_image_turbo_generate", "image_size", Z_SIZES, ["ultra_wide_16_9", "square_hd"]],
  ["z_image_turbo_generate", "output_format", FORMATS, ["bitmap"]],
  ["z_image_turbo_generate", "acceleration", ["none"], ["regular", "fast"]],
  ["z_image_base_generate", "image_size", Z_SIZES, ["ultra_portrait_9_16", "landscape_hd"]],
  ["z_image_base_generate", "output_format", FORMATS, ["avif"]],
  [
    "z_image_base_generate",
    "acceleration",
    ["regular", "fast", "ultra_fast"],
    ["none", "high_performance"],
  ],
  ["qwen_image_max_edit", "output_format", FORMATS, ["tiff"]],
  [
    "qwen_image_max_generate",
    "image_size",
    ["square_hd", "portrait_hd", "landscape_hd"],
    ["square_1_1", "landscape_4_3"],
  ],
  ["qwen_image_max_generate", "output_format", FORMATS, ["bmp"]],
  ["qwen_image_edit_plus_lora", "output_format", ["png", "jpeg"], ["webp"]],
  ["qwen_image_edit_plus_lora", "acceleration", ["none", "regular"], ["fast", "high_performance"]],
  ["qwen_image_layered", "output_format", ["png"], ["jpeg", "webp"]],
  ["qwen_image_layered", "acceleration", ["regular", "fast"], ["none", "ultra_fast"]],
  [
    "qwen_image_generate",
    "size",
    ["1328*1328", "1024*1024", "768*768", "512*512"],
    ["1024*768", "square_hd", "256*256"],
  ],
];

describe("words", () => {
  it.each(WORDS)("%s %s", (name, field, allowed, refused) => {
    for (const word of allowed) {
      expect(prepare(name, { ...REQUIRED[name], [field]: word }).input).toHaveProperty(field, word);
    }
    for (const word of refused) {
      const message = refusal(name, { ...REQUIRED[name], [field]: word });
      expect(message).toContain(`\`${field}\``);
      for (const right of allowed) expect(message).toContain(`\`${right}\``);
    }
  });
});

const HUGE = Number.MAX_SAFE_INTEGER;

/** Every number in the documentation at its edges; where no range is stated there is none. */
const NUMBERS: [operation: string, field: string, allowed: number[], refused: unknown[]][] = [
  ["longcat_image_generate", "num_inference_steps", [1, 28, 500, HUGE], [0, 2.5, "many"]],
  ["longcat_image_generate", "guidance_scale", [-1, 0, 0.5, 4.5, 1000], ["four", true]],
  ["longcat_image_generate", "num_images", [1, 5, 100, HUGE], [0, -1, 1.5]],
  ["z_image_turbo_generate", "num_inference_steps", [1, 50], [0, 51, 8.5]],
  ["z_image_turbo_generate", "num_images", [1, 4], [0, 5]],
  ["z_image_base_generate", "num_inference_steps", [10, 100], [9, 101]],
  ["z_image_base_generate", "guidance_scale", [1, 3.7, 20], [0.99, 20.01]],
  ["z_image_base_generate", "num_images", [1, 4], [0, 5]],
  ["qwen_image_max_edit", "num_images", [1, 4], [0, 5]],
  ["qwen_image_max_generate", "num_images", [1, 4], [0, 5]],
  ["qwen_image_edit_plus_lora", "num_inference_steps", [1, 50, 1000], [0]],
  ["qwen_image_edit_plus_lora", "seed", [0, 42, HUGE], [1.5]],
  ["qwen_image_edit_plus_lora", "guidance_scale", [1, 4, 20], [0.9, 20.5]],
  ["qwen_image_edit_plus_lora", "num_images", [1, 4], [0, 5]],
  ["qwen_image_edit_plus_train", "learning_rate", [0, 0.0002, 1], [-0.1, 1.1]],
  ["qwen_image_edit_plus_train", "steps", [1, 10_000], [0, 10_001]],
  ["qwen_image_edit_plus_train", "reference_image_count", [1, 10], [0, 11]],
  ["qwen_image_layered", "num_inference_steps", [1, 28, 1000], [0]],
  ["qwen_image_layered", "guidance_scale", [-1, 0, 5, 1000], ["five"]],
  ["qwen_image_layered", "num_images", [1], [0, 2]],
];

describe("numbers", () => {
  it.each(NUMBERS)("%s %s", (name, field, allowed, refused) => {
    for (const value of allowed) {
      expect(prepare(name, { ...REQUIRED[name], [field]: value }).wire).toHaveProperty(
        field,
        value,
      );
    }
    for (const value of refused) {
      expect(refusal(name, { ...REQUIRED[name], [field]: value })).toContain(`\`${field}\``);
    }
  });

  it("says why two layer sets are refused, in the provider's own sentence", () => {
    expect(refusal("qwen_image_layered", { image_url: PICTURE, num_images: 2 })).toContain(
      "Number of layer sets to generate (currently supports only 1).",
    );
  });
});

describe("lists of pictures", () => {
  const many = (count: number) => Array.from({ length: count }, () => PICTURE);

  it("one to ten for composing", () => {
    const name = "qwen_image_edit_plus_lora";
    for (const count of [1, 10]) {
      expect(() => prepare(name, { prompt: "A", image_urls: many(count) })).not.toThrow();
    }
    for (const count of [0, 11]) {
      expect(refusal(name, { prompt: "A", image_urls: many(count) })).toContain("`image_urls`");
    }
  });

  it("one or more for a max edit, without an upper limit", () => {
    expect(() =>
      prepare("qwen_image_max_edit", { prompt: "A", image_urls: many(50) }),
    ).not.toThrow();
    expect(refusal("qwen_image_max_edit", { prompt: "A", image_urls: [] })).toContain(
      "`image_urls`",
    );
  });
});

describe("switches", () => {
  it.each([
    ["longcat_image_generate", "enable_safety_checker"],
    ["qwen_image_max_generate", "enable_prompt_expansion"],
    ["qwen_image_max_edit", "enable_prompt_expansion"],
    ["qwen_image_edit", "watermark"],
    ["qwen_image_generate", "prompt_extend"],
  ])("%s %s is true or false", (name, field) => {
    for (const value of [true, false]) {
      expect(prepare(name, { ...REQUIRED[name], [field]: value }).input).toHaveProperty(
        field,
        value,
      );
    }
    expect(refusal(name, { ...REQUIRED[name], [field]: "perhaps" })).toContain(
      "must be true or false",
    );
  });
});

describe("texts", () => {
  it("takes a prompt of up to a mebibyte, and says exactly how long a longer one is", () => {
    const longest = "é".repeat(512 * 1024);
    expect(prepare("qwen_image_generate", { prompt: longest }).input["prompt"]).toBe(longest);
    expect(refusal("qwen_image_generate", { prompt: `${longest}!` })).toBe(
      "`prompt` has 1048577 bytes; at most 1048576 are taken.",
    );
  });

  it("takes any name of an image size for composing, and sides that are whole numbers", () => {
    const args = { prompt: "A", image_urls: [PICTURE] };
    const name = "qwen_image_edit_plus_lora";
    for (const image_size of ["square_hd", "anything_at_all", {}, { width: 10 }]) {
      expect(prepare(name, { ...args, image_size }).wire["image_size"]).toEqual(image_size);
    }
    for (const image_size of [1024, [1024, 768], { width: 0 }, { height: "tall" }]) {
      expect(refusal(name, { ...args, image_size })).toContain("`image_size");
    }
  });

  it("says everything that is wrong at once", () => {
    const message = refusal("z_image_base_generate", { num_images: 9, output_format: "gif" });
    for (const field of ["prompt", "image_size", "num_images", "output_format"]) {
      expect(message).toContain(`\`${field}\``);
    }
  });
});
