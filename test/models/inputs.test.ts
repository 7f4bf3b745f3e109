import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { nearMiss } from "../../src/models/near-miss.ts";
import { anyText } from "../support/any-text.ts";
import { operation, prepare, refusal } from "../support/operations.ts";

const PICTURE = "https://example.com/a.png";
const JOB_ID = `job_${"a".repeat(26)}`;
const DATA_URI = "data:image/png;base64,iVBORw0KGgo=";

describe("near misses are named", () => {
  it.each([
    ["longcat_image_generate", "image_size", "landscape_16_9", "ultra_wide_16_9"],
    ["longcat_image_generate", "image_size", "portrait_9_16", "ultra_portrait_9_16"],
    ["longcat_image_generate", "image_size", "square_hd", "square_1_1"],
    ["longcat_image_generate", "image_size", "1920x1080", "ultra_wide_16_9"],
    ["longcat_image_generate", "acceleration", "fast", "high_performance"],
    ["z_image_turbo_generate", "image_size", "ultra_wide_16_9", "landscape_16_9"],
    ["z_image_turbo_generate", "image_size", "ultra_portrait_9_16", "portrait_9_16"],
    ["z_image_turbo_generate", "acceleration", "regular", "none"],
    ["z_image_base_generate", "image_size", "square", "square_1_1"],
    ["z_image_base_generate", "image_size", "landscape_4_4", "landscape_4_3"],
    ["qwen_image_max_generate", "image_size", "square_1_1", "square_hd"],
    ["qwen_image_max_generate", "image_size", "landscape_4_3", "landscape_hd"],
    ["qwen_image_max_generate", "output_format", "jpg", "jpeg"],
  ])("%s %s: %s means %s", (name, field, given, meant) => {
    const message = refusal(name, { prompt: "A cat", image_size: "square_1_1", [field]: given });
    expect(message).toContain(`Did you mean \`${meant}\`?`);
  });

  it("no suggestion where nothing is near", () => {
    const message = refusal("longcat_image_generate", { prompt: "A", image_size: "zzz" });
    expect(message).not.toContain("Did you mean");
    expect(message).toContain("`ultra_wide_16_9`");
  });

  it("a suggestion is always one of the allowed words", () => {
    const allowed = ["landscape_4_3", "square_1_1", "ultra_wide_16_9"];
    fc.assert(
      fc.property(anyText({ maxLength: 30 }), (text) => {
        const near = nearMiss(text, allowed);
        return near === undefined || allowed.includes(near);
      }),
    );
  });
});

describe("what is forgiven", () => {
  it.each(["1024x1024", "1024X1024", "1024×1024", "1024*1024", " 1024 x 1024 "])(
    "the size %s is sent as 1024*1024",
    (size) => {
      expect(prepare("qwen_image_generate", { prompt: "A", size }).wire).toMatchObject({
        parameters: { size: "1024*1024" },
      });
    },
  );

  it.each(["qwen_image_max_edit", "qwen_image_edit_plus_lora"])(
    "%s: a single picture where a list is due",
    (name) => {
      const prepared = prepare(name, { prompt: "A", image_urls: PICTURE });
      expect(prepared.wire["image_urls"]).toEqual([PICTURE]);
    },
  );

  it.each([
    ["qwen_image_max_edit", "image_url", "image_urls"],
    ["qwen_image_edit_plus_lora", "image_url", "image_urls"],
    ["qwen_image_layered", "image_urls", "image_url"],
    ["qwen_image_edit", "image_url", "image"],
  ])("%s: %s given for %s is hinted at", (name, given, meant) => {
    const message = refusal(name, { prompt: "A", [given]: PICTURE });
    expect(message).toContain(
      `\`${given}\` is no argument of \`${name}\`: did you mean \`${meant}\`?`,
    );
  });
});

describe("pictures in the request itself", () => {
  it("are taken by the direct edit, without a warning", () => {
    for (const image of [DATA_URI, "data:image/jpeg;base64,/9j/4AAQ", DATA_URI.toUpperCase()]) {
      const prepared = prepare("qwen_image_edit", { prompt: "A", image });
      expect(JSON.stringify(prepared.wire)).toContain(image);
      expect(prepared.warnings).toEqual([]);
    }
  });

  it("are taken for composing, with a warning", () => {
    const prepared = prepare("qwen_image_edit_plus_lora", { prompt: "A", image_urls: [DATA_URI] });
    expect(prepared.wire["image_urls"]).toEqual([DATA_URI]);
    expect(prepared.warnings).toEqual([expect.stringContaining("data URI")]);
  });

  it.each<[string, Record<string, unknown>]>([
    ["qwen_image_edit", { prompt: "A", image: "/home/me/cat.png" }],
    ["qwen_image_edit", { prompt: "A", image: "~/cat.png" }],
    ["qwen_image_edit", { prompt: "A", image: "C:\\cat.png" }],
    ["qwen_image_layered", { image_url: "file:///home/me/cat.png" }],
    ["qwen_image_layered", { image_url: DATA_URI }],
    ["qwen_image_max_edit", { prompt: "A", image_urls: [PICTURE, "cat.png"] }],
    ["qwen_image_max_edit", { prompt: "A", image_urls: [`longcat://media/${JOB_ID}/1`] }],
    ["qwen_image_edit_plus_train", { image_data_url: "training set/" }],
  ])("%s takes %j, to be resolved before it is sent", (name, args) => {
    expect(prepare(name, args).input).toEqual(args);
  });

  it("what files are resolved to is sent in their place, and nothing else changes", () => {
    const single = operation("qwen_image_edit").prepare(
      { prompt: "A", image: "cat.png" },
      { image: [DATA_URI] },
    );
    expect(JSON.stringify(single.wire)).toContain(DATA_URI);
    expect(single.input).toEqual({ prompt: "A", image: "cat.png" });
    const several = operation("qwen_image_max_edit").prepare(
      { prompt: "A", image_urls: ["a.png", "b.png"] },
      { image_urls: [PICTURE, `${PICTURE}?2`] },
    );
    expect(several.wire).toEqual({ prompt: "A", image_urls: [PICTURE, `${PICTURE}?2`] });
  });

  it.each<[string, Record<string, unknown>]>([
    ["qwen_image_edit", { prompt: "A", image: "data:image/png;base64," }],
    ["qwen_image_edit", { prompt: "A", image: "data:image/png,rawbytes" }],
    ["qwen_image_edit", { prompt: "A", image: "ftp://example.com/cat.png" }],
    ["qwen_image_edit", { prompt: "A", image: "https:///cat.png" }],
    ["qwen_image_layered", { image_url: "longcat://media/job_x/1" }],
    ["qwen_image_max_edit", { prompt: "A", image_urls: [PICTURE, "javascript:alert(1)"] }],
    ["qwen_image_edit_plus_train", { image_data_url: "ftp://example.com/set.zip" }],
  ])("%s refuses %j", (name, args) => {
    expect(refusal(name, args)).toMatch(/needs an https URL/);
  });

  it("a refused data URI is not repeated in full", () => {
    const image = `data:text/plain;base64,${"A".repeat(100_000)}`;
    expect(refusal("qwen_image_edit", { prompt: "A", image }).length).toBeLessThan(300);
    expect(
      refusal("qwen_image_max_generate", { prompt: 1, image_size: image }).length,
    ).toBeLessThan(500);
  });
});

describe("http addresses pass with a warning", () => {
  const insecure = "http://example.com/a.png";

  it.each<[string, Record<string, unknown>]>([
    ["qwen_image_max_edit", { prompt: "A", image_urls: [insecure] }],
    ["qwen_image_edit_plus_lora", { prompt: "A", image_urls: [PICTURE, insecure] }],
    ["qwen_image_edit_plus_train", { image_data_url: insecure }],
    ["qwen_image_layered", { image_url: insecure }],
    ["qwen_image_edit", { prompt: "A", image: insecure }],
  ])("%s", (name, args) => {
    const prepared = prepare(name, args);
    expect(JSON.stringify(prepared.wire)).toContain(insecure);
    expect(prepared.warnings).toEqual([expect.stringContaining("https")]);
  });

  it("https addresses pass without", () => {
    expect(prepare("qwen_image_layered", { image_url: PICTURE }).warnings).toEqual([]);
  });
});

describe("the watermark that is there by default", () => {
  it("is mentioned unless the caller has chosen", () => {
    const warned = prepare("qwen_image_generate", { prompt: "A" }).warnings;
    expect(warned).toEqual([expect.stringContaining("watermark")]);
    for (const watermark of [true, false]) {
      expect(prepare("qwen_image_generate", { prompt: "A", watermark }).warnings).toEqual([]);
    }
    expect(prepare("qwen_image_edit", { prompt: "A", image: PICTURE }).warnings).toEqual([]);
  });
});
