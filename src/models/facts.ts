import * as z from "zod";

/** What a text refers to; marks that people and models put around such a text are no part of it. */
export const REFERENCE_KINDS = ["picture", "archive", "address", "pattern", "place", "id"] as const;
export type ReferenceKind = (typeof REFERENCE_KINDS)[number];

/** What has to be known of an argument to read it, and is not advertised. */
export const factsSchema = z.object({
  reference: z.enum(REFERENCE_KINDS).optional(),
  /** An empty text is a value of its own and not the same as leaving it out. */
  keepsEmpty: z.boolean().optional(),
  /** The most bytes of UTF-8. */
  maxBytes: z.number().optional(),
  /** More than the maximum is the maximum, and the answer says so. */
  clamps: z.boolean().optional(),
  /** Words that the provider documents, where others are taken as well. */
  known: z.array(z.string()).optional(),
  /** Its words are the names of tools, which every caller has before it: they are not listed again. */
  namesTools: z.boolean().optional(),
  /** What callers elsewhere are told of it, who have no files on this machine. */
  elsewhere: z.string().optional(),
  /** Why more than the maximum is refused, in the provider's words. */
  tooLarge: z.string().optional(),
});

export type Facts = z.output<typeof factsSchema>;

const registry = z.registry<Facts>();
/** The facts of all arguments; `z.toJSONSchema` writes them into the schema. */
export const FACTS: z.core.$ZodRegistry<Record<string, unknown>> = registry;

/** The same schema, with what else is known of its argument. To be called last, before `optional`. */
export function knownAs<T extends z.ZodType>(schema: T, facts: Facts): T {
  registry.add(schema, facts);
  return schema;
}
