import * as z from "zod";
import { oneLine } from "../core/text.ts";
import { OPERATION_NAMES } from "../models/names.prepared.ts";
import { nearMiss } from "../models/near-miss.ts";
import { splitFolders } from "./folders.ts";

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
/** An API key as it travels in a header. The value itself is never shown. */
export const key = text
  .transform((value) => value.replace(/^Bearer\s+/i, ""))
  .refine((value) => /^[\x21-\x7e]+$/.test(value), {
    error: "holds blanks or characters that no key has; set it to the key alone",
  });
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
      .max(10_000, { error: "must be at most 10000" }),
  );
export const dollars = z
  .string()
  .transform((value) => Number(value.replace(/^\$/, "")))
  .pipe(
    z
      .number({ error: "must be an amount in US dollars" })
      .min(0, { error: "must not be negative" }),
  );
const PRICES_LIKE =
  'must be JSON of tool names and dollars, such as {"z_image_turbo_generate": 0.01}';
/** A misspelt name would leave the printed price in force, and nobody would know. */
export const prices = z
  .string()
  .transform((value, context) => {
    try {
      return JSON.parse(value);
    } catch {
      context.addIssue({ code: "custom", message: PRICES_LIKE });
      return z.NEVER;
    }
  })
  .pipe(
    z.record(
      z.string(),
      z.number({ error: PRICES_LIKE }).min(0, { error: "must not be negative" }),
      {
        error: PRICES_LIKE,
      },
    ),
  )
  .superRefine((value, context) => {
    const names = OPERATION_NAMES.map(({ name }) => name);
    const wrong = Object.keys(value).find((name) => !names.includes(name));
    if (wrong === undefined) return;
    const meant = nearMiss(wrong, names) ?? names.find((name) => name.startsWith(`${wrong}_`));
    const hint = meant ? `did you mean "${meant}"?` : `there are ${names.join(", ")}.`;
    const message = `names "${oneLine(wrong, 60)}", which is no image operation; ${hint}`;
    context.addIssue({ code: "custom", message });
  });
export const oneOf = <const V extends readonly [string, ...string[]]>(values: V) =>
  z
    .string()
    .transform((value) => value.toLowerCase())
    .pipe(z.enum(values, { error: `must be one of ${values.join(", ")}` }));

const TOOLSETS = ["images", "chat"] as const;
export type Toolset = (typeof TOOLSETS)[number];

/** Folders, separated as the platform separates them. */
export const folders = z.string().transform((value) => splitFolders(value));

const NONE = "none";
/** Folders, or `none` for no folder at all. */
export const foldersOrNone = folders
  .refine((list) => list.length < 2 || !list.some(isNone), {
    error: `names folders beside "${NONE}"; it must be one or the other`,
  })
  .transform((list) => list.filter((path) => !isNone(path)));

function isNone(path: string): boolean {
  return path.toLowerCase() === NONE;
}

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
