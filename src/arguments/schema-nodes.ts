import * as z from "zod";
import { FACTS, factsSchema } from "../models/facts.ts";

/** One place of a tool's JSON Schema, with the facts that are not advertised. */
const nodeSchema = factsSchema.extend({
  type: z.string().optional(),
  enum: z.array(z.string()).optional(),
  minimum: z.number().optional(),
  maximum: z.number().optional(),
  minLength: z.number().optional(),
  maxLength: z.number().optional(),
  minItems: z.number().optional(),
  maxItems: z.number().optional(),
  required: z.array(z.string()).optional(),
  get items() {
    return nodeSchema.optional();
  },
  get anyOf() {
    return z.array(nodeSchema).optional();
  },
  get properties() {
    return z.record(z.string(), nodeSchema).optional();
  },
});

export type Node = z.output<typeof nodeSchema>;

/** What a tool's arguments are read by: its own schema, and nothing written beside it. */
export function schemaOf(input: z.ZodObject): Node {
  return nodeSchema.parse(z.toJSONSchema(input, { io: "input", metadata: FACTS }));
}
