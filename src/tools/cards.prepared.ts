import { fieldsOf } from "../core/json-fields.ts";
import { OPERATIONS } from "../models/catalogue.ts";
import { advertisedSchema } from "./advertised-schema.ts";

/** What is told of every operation, and of no price but the printed one: made once, at build. */
export const CARDS = OPERATIONS.map((operation) => {
  const inputSchema = advertisedSchema(operation.input);
  return {
    name: operation.name,
    title: operation.title,
    description: operation.description,
    kind: operation.kind,
    price: operation.price,
    sizes: wordsOf(inputSchema, "image_size") ?? wordsOf(inputSchema, "size") ?? [],
    formats: wordsOf(inputSchema, "output_format") ?? [],
    lacks: ["seed", "negative_prompt"].filter((one) => !(one in operation.input.shape)),
    typicalSeconds: operation.pace.typicalMs / 1000,
    source: operation.source,
    inputSchema,
    example: operation.example,
  };
});

/** The words that an argument takes. */
function wordsOf(inputSchema: Record<string, unknown>, name: string): string[] | undefined {
  const words = fieldsOf(fieldsOf(inputSchema["properties"])?.[name])?.["enum"];
  return Array.isArray(words) ? words.map(String) : undefined;
}
