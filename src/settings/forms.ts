import * as z from "zod";

/* What the text of a setting may be, and what becomes of it. */

const SWITCH_WORDS: Readonly<Record<string, boolean>> = {
  "1": true,
  true: true,
  yes: true,
  on: true,
  "0": false,
  false: false,
  no: false,
  off: false,
};

export const text = z.string();
export const url = z
  .string()
  .refine((value) => /^https?:\/\//i.test(value) && URL.canParse(value), {
    error: "must be an http or https URL",
  })
  .transform((value) => value.replace(/\/+$/, ""));
/** The chat platform's origin, however much of its paths somebody put behind it. */
export const chatBase = url.transform((value) =>
  value.replace(/\/+(?:openai|anthropic)(?:\/+v1)?$/i, "").replace(/\/+$/, ""),
);
export const key = text.transform((value) => value.replace(/^Bearer\s+/i, ""));
export const onOff = z
  .string()
  .refine((value) => Object.hasOwn(SWITCH_WORDS, value.toLowerCase()), {
    error: `must be one of ${Object.keys(SWITCH_WORDS).join(", ")}`,
  })
  .transform((value) => SWITCH_WORDS[value.toLowerCase()] ?? false);
export const wholeNumber = (min: number, max: number) =>
  z
    .string()
    .regex(/^\d+$/, { error: "must be a whole number" })
    .transform(Number)
    .pipe(
      z
        .number()
        .min(min, { error: `must be at least ${min}` })
        .max(max, { error: `must be at most ${max}` }),
    );
export const positiveNumber = z
  .string()
  .transform(Number)
  .pipe(
    z
      .number({ error: "must be a number" })
      .min(0.01, { error: "must be at least 0.01" })
      .max(10_000),
  );
export const dollars = z
  .string()
  .transform((value) => Number(value.replace(/^\$/, "")))
  .pipe(
    z
      .number({ error: "must be an amount in US dollars" })
      .min(0, { error: "must not be negative" }),
  );
export const prices = z
  .string()
  .transform((value, context) => {
    try {
      return JSON.parse(value);
    } catch {
      context.addIssue({ code: "custom", message: "must be JSON" });
      return z.NEVER;
    }
  })
  .pipe(
    z.record(z.string(), z.number().min(0), {
      error: 'must be JSON of tool names and dollars, such as {"z_image_turbo_generate": 0.01}',
    }),
  );
export const oneOf = <const V extends readonly [string, ...string[]]>(values: V) =>
  z
    .string()
    .transform((value) => value.toLowerCase())
    .pipe(z.enum(values, { error: `must be one of ${values.join(", ")}` }));

const TOOLSETS = ["images", "chat"] as const;
export type Toolset = (typeof TOOLSETS)[number];

export const toolsets = z
  .string()
  .transform((value) => value.split(",").map((name) => name.trim().toLowerCase()))
  .pipe(
    z
      .array(
        z.enum(TOOLSETS, { error: `must be a comma-separated list of ${TOOLSETS.join(", ")}` }),
      )
      .min(1),
  );
