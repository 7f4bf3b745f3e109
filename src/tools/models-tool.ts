import * as z from "zod";
import type { PriceList } from "../core/money.ts";
import { OPERATIONS } from "../models/catalogue.ts";
import { knownAs } from "../models/facts.ts";
import type { AnyOperation } from "../models/operation.ts";
import { priceUsd } from "../purchases/prices.ts";
import { advertisedSchema } from "./advertised-schema.ts";
import { dataResult } from "./result.ts";
import type { ToolDeps } from "./services.ts";
import { defineTool, type Tool } from "./tool.ts";

const modelViewSchema = z.looseObject({
  operation: z.string(),
  title: z.string(),
  kind: z.string(),
  price_usd: z.number().nullable(),
  price_per: z.string(),
  image_sizes: z.array(z.string()),
  output_formats: z.array(z.string()),
  typical_seconds: z.number(),
  source: z.string(),
});

export function modelsTool(deps: ToolDeps): Tool {
  return defineTool(deps, {
    name: "image_models",
    title: "Image models",
    description:
      "The image operations: sizes, formats, prices and usual times. Unknown prices are null.",
    kind: "read",
    input: z.object({
      operation: knownAs(z.enum(OPERATIONS.map((operation) => operation.name)), {
        namesTools: true,
      })
        .optional()
        .describe("A start tool"),
    }),
    output: z.looseObject({ models: z.array(modelViewSchema) }),
    run: async (input) => {
      const wanted = OPERATIONS.filter(
        (one) => input.operation === undefined || one.name === input.operation,
      );
      return dataResult({ models: wanted.map((one) => viewModel(one, deps.settings.prices)) });
    },
  });
}

/** What a person or an assistant chooses a model by. */
export function viewModel(
  operation: AnyOperation,
  prices: PriceList,
): z.output<typeof modelViewSchema> {
  return {
    operation: operation.name,
    title: operation.title,
    kind: operation.kind,
    price_usd: priceUsd(operation, prices),
    price_per: operation.price.per,
    image_sizes: enumOf(operation, "image_size") ?? enumOf(operation, "size") ?? [],
    output_formats: enumOf(operation, "output_format") ?? [],
    typical_seconds: operation.pace.typicalMs / 1000,
    source: `${operation.source}; price: ${operation.price.source}`,
  };
}

const enumSchema = z.looseObject({ enum: z.array(z.string()) });

function enumOf(operation: AnyOperation, field: string): string[] | undefined {
  const properties = z
    .record(z.string(), z.unknown())
    .parse(advertisedSchema(operation.input)["properties"]);
  return enumSchema.safeParse(properties[field]).data?.enum;
}
