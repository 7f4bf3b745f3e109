import { describe, expect, it } from "vitest";
import * as z from "zod";
import { OPERATIONS, operationOfRequestId } from "../src/models/catalogue.ts";
import { advertisedSchema } from "../src/tools/advertised-schema.ts";
import { operation } from "./support/operations.ts";

/** The documentation's index of operations: tool, path, model id, mode, printed price. */
const INDEX: [string, string, string, "queued" | "sync", number | null][] = [
  [
    "longcat_image_generate",
    "/longcat-image-498/v1/longcat-image-request",
    "longcat-image-498",
    "queued",
    0.13,
  ],
  [
    "z_image_turbo_generate",
    "/z-image-turbo-834/v1/z-image-turbo-request",
    "z-image-turbo-834",
    "queued",
    null,
  ],
  [
    "z_image_base_generate",
    "/z-image-base/v1/z-image-base-request",
    "z-image-base",
    "queued",
    null,
  ],
  [
    "qwen_image_max_edit",
    "/qwen-image-max-edit/v1/qwen-image-max-edit-request",
    "qwen-image-max-edit",
    "queued",
    null,
  ],
  [
    "qwen_image_max_generate",
    "/qwen-image-max/v1/qwen-image-max-request",
    "qwen-image-max",
    "queued",
    null,
  ],
  [
    "qwen_image_edit_plus_lora",
    "/qwen-image-edit-plus/v1/qwen-image-edit-plus-lora/generate",
    "qwen-image-edit-plus-lora",
    "queued",
    0.055,
  ],
  [
    "qwen_image_edit_plus_train",
    "/qwen-image-edit-plus-trainer/v1/qwen-image-edit-plus-trainer/generate",
    "qwen-image-edit-plus-trainer",
    "queued",
    0.04,
  ],
  [
    "qwen_image_layered",
    "/qwen-image-layered/v1/qwen-image-layered-request",
    "qwen-image-layered",
    "queued",
    0.05,
  ],
  [
    "qwen_image_edit",
    "/qwen-image/v1/generateMultimodeTextToImageEditRequest",
    "qwen-image-edit",
    "sync",
    0.045,
  ],
  [
    "qwen_image_generate",
    "/qwen-image/v1/generateMultimodeTextToImageRequest",
    "qwen-image",
    "sync",
    0.045,
  ],
];

const propertySchema = z.looseObject({
  type: z.string().optional(),
  description: z.string().optional(),
  minimum: z.number().optional(),
  maximum: z.number().optional(),
});

function propertiesOf(name: string) {
  const schema = advertisedSchema(operation(name).input);
  return z.record(z.string(), propertySchema).parse(schema["properties"]);
}

describe("the catalogue", () => {
  it("has the documented operations and no others", () => {
    expect(OPERATIONS.map((one) => one.name).sort()).toEqual(INDEX.map(([name]) => name).sort());
  });

  it.each(INDEX)(
    "%s goes to %s as %s (%s), at the printed price",
    (name, path, modelId, kind, usd) => {
      expect(operation(name)).toMatchObject({ path, modelId, kind, price: { usd } });
    },
  );

  it.each(["name", "title", "description", "modelId", "path"] as const)(
    "no two share a %s",
    (key) => {
      expect(new Set(OPERATIONS.map((one) => one[key])).size).toBe(OPERATIONS.length);
    },
  );

  it("finds the operation of a request id, however alike the model ids are", () => {
    const uuid = "019d0000-0000-7000-8000-000000000000";
    for (const [name, , modelId, kind] of INDEX) {
      const expected = kind === "queued" ? name : undefined;
      expect(operationOfRequestId(`${modelId}_${uuid}`)?.name).toBe(expected);
    }
    for (const other of [uuid, "XXXXXXXXXXXXX", `unknown-model_${uuid}`, "longcat-image-498"]) {
      expect(operationOfRequestId(other)).toBeUndefined();
    }
  });
});

describe.each(OPERATIONS.map((one) => one.name))("%s", (name) => {
  const one = operation(name);

  it("has an example that it accepts and sends whole", () => {
    const { input, wire } = one.prepare(one.example);
    expect(input).toEqual(one.example);
    if (one.kind === "queued") expect(wire).toEqual(one.example);
  });

  it("says where it was written from and what was printed about its price", () => {
    expect(one.source).not.toBe("");
    expect(one.price.source).not.toBe("");
    expect(one.price.usd === null || one.price.usd > 0).toBe(true);
  });

  it("tells its price, or that none is published, before it is bought", () => {
    const expected = one.price.usd === null ? "Price not published" : `$${one.price.usd}`;
    expect(one.description).toContain(expected);
  });

  it("describes its fields in few words", () => {
    for (const [field, { description }] of Object.entries(propertiesOf(name))) {
      expect(description?.length ?? 0, field).toBeLessThanOrEqual(60);
    }
  });

  it("bounds every whole number on both sides, from 0 or 1", () => {
    for (const [field, { type, minimum, maximum }] of Object.entries(propertiesOf(name))) {
      if (type !== "integer") continue;
      expect([0, 1, 10], field).toContain(minimum);
      expect(maximum, field).toBeLessThanOrEqual(Number.MAX_SAFE_INTEGER);
    }
  });

  it("looks for its result at a sensible pace", () => {
    expect(one.pace.firstPollMs).toBeGreaterThanOrEqual(2_000);
    expect(one.pace.typicalMs).toBeGreaterThanOrEqual(one.pace.firstPollMs);
  });
});

describe("descriptions", () => {
  it("are short, and half of them very short", () => {
    const lengths = OPERATIONS.map((one) => one.description.length).sort((a, b) => a - b);
    expect(Math.max(...lengths)).toBeLessThanOrEqual(300);
    expect(lengths[Math.floor(lengths.length / 2)]).toBeLessThanOrEqual(110);
  });
});
