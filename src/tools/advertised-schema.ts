import * as z from "zod";

/** The JSON Schema of arguments, in the subset that every model API takes. */
export function advertisedSchema(input: z.ZodObject): Record<string, unknown> {
  const { $schema: _, ...schema } = z.toJSONSchema(input, {
    io: "input",
    override: ({ jsonSchema }) => {
      // `{}` says the same as leaving it out, and some converters stumble over it.
      if (isEmptyObject(jsonSchema.additionalProperties)) delete jsonSchema.additionalProperties;
      if (isEmptyObject(jsonSchema.properties)) delete jsonSchema.properties;
      if (jsonSchema.minItems === 0) delete jsonSchema.minItems;
    },
  });
  return schema;
}

function isEmptyObject(value: unknown): boolean {
  return typeof value === "object" && value !== null && Object.keys(value).length === 0;
}
