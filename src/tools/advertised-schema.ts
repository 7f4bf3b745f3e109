import * as z from "zod";
import { FACTS } from "../models/facts.ts";

/**
 * The JSON Schema of arguments, in the subset that every model API takes. Every assistant pays for
 * it in every session, so how long a text may be is told where one is longer.
 * @param isRemote for callers elsewhere.
 */
export function advertisedSchema(input: z.ZodObject, isRemote = false): Record<string, unknown> {
  const { $schema: _, ...schema } = z.toJSONSchema(input, {
    io: "input",
    override: ({ zodSchema, jsonSchema }) => {
      // `{}` says the same as leaving it out, and some converters stumble over it.
      if (isEmptyObject(jsonSchema.additionalProperties)) delete jsonSchema.additionalProperties;
      if (isEmptyObject(jsonSchema.properties)) delete jsonSchema.properties;
      if (jsonSchema.minItems === 0) delete jsonSchema.minItems;
      if (jsonSchema.minLength === 1) delete jsonSchema.minLength;
      delete jsonSchema.maxLength;
      const { namesTools, elsewhere } = FACTS.get(zodSchema) ?? {};
      if (namesTools) delete jsonSchema.enum;
      if (isRemote && typeof elsewhere === "string") jsonSchema.description = elsewhere;
    },
  });
  return schema;
}

function isEmptyObject(value: unknown): boolean {
  return typeof value === "object" && value !== null && Object.keys(value).length === 0;
}
