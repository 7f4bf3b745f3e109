import * as z from "zod";
import { OPERATIONS } from "../models/catalogue.ts";

/** A line for each model that makes pictures of words alone, with its own names of sizes. */
export function makersWithSizes(): string {
  return OPERATIONS.filter(({ name }) => name.endsWith("_generate"))
    .map(({ name, title, input }) => {
      const field = ["image_size", "size"].find((one) => one in input.shape) ?? "";
      return `- \`${name}\` (${title}): \`${field}\` ${wordsOf(input.shape[field]).join(", ")}`;
    })
    .join("\n");
}

/** The words that an argument takes. */
function wordsOf(argument: unknown): string[] {
  const inner = argument instanceof z.ZodOptional ? argument.unwrap() : argument;
  return inner instanceof z.ZodEnum ? inner.options.map(String) : [];
}
