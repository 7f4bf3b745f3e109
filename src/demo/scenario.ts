/** One picture of the demo: which tool makes it, and with which arguments. */
export interface Picture {
  tool: string;
  arguments: Readonly<Record<string, unknown>>;
}

/** Made at the same time, each by another model. */
export const PICTURES: readonly Picture[] = [
  {
    tool: "longcat_image_generate",
    arguments: {
      prompt: 'Lake cabin at dawn, mist on the water, a wooden sign that says "OPEN", golden light',
      image_size: "landscape_4_3",
    },
  },
  {
    tool: "z_image_turbo_generate",
    arguments: {
      prompt: "Neon city street after rain, reflections, one cyclist, night, 35 mm film",
      image_size: "square_1_1",
    },
  },
  {
    tool: "qwen_image_max_generate",
    arguments: {
      prompt: "Snowy peaks over clouds, first sunlight, wide view, crisp morning air",
      image_size: "landscape_hd",
    },
  },
];

/** Made of the first of {@link PICTURES}, whose bytes are handed over as `image`. */
export const EDIT: Picture = {
  tool: "qwen_image_edit",
  arguments: { prompt: "A starry winter night now; keep the cabin and the sign as they are" },
};

/** A task that is handed over with this program's own text files, which nobody here reads. */
export const TASK = {
  tool: "longcat_chat",
  arguments: {
    prompt: "Say in a few words what these files are",
    files: ["README.md", "package.json"],
  },
} as const;
