import { describe, expect, it } from "vitest";
import { OPERATIONS } from "../../src/models/catalogue.ts";
import { QUEUE_EXAMPLES } from "../sandbox/examples.ts";
import { operation, prepare, wire } from "../support/operations.ts";

const WALKING =
  "Change the person to a walking position, bending over to hold the bear's front paws.";
const LAKE =
  "A serene lake at sunset, with mountains reflected in the water and a lone canoe on the shore.";
const BEAR = "https://pub-582b7213209642b9b995c96c95a30381.r2.dev/manwithbear.jpg";
const REFERENCES = [
  "https://example.com/reference1.png",
  "https://example.com/reference2.png",
  "https://example.com/reference3.png",
];
/** Queued operations take the wire's own names, so their arguments are the body. */
const QUEUED = QUEUE_EXAMPLES.flatMap(({ modelId, minimum, full }) => {
  const { name = modelId } = OPERATIONS.find((one) => one.modelId === modelId) ?? {};
  return [[name, "shortest", minimum] as const, [name, "fullest", full] as const];
});

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
