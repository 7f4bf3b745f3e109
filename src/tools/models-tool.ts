import type { CallToolResult } from "@modelcontextprotocol/server";
import * as z from "zod";
import type { PriceList } from "../core/money.ts";
import { OPERATIONS } from "../models/catalogue.ts";
import { knownAs } from "../models/facts.ts";
import { priceUsd } from "../purchases/prices.ts";
import { CARDS } from "./cards.prepared.ts";
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
  notes: z.array(z.string()),
  typical_seconds: z.number(),
  source: z.string(),
});

export function modelsTool(deps: ToolDeps): Tool {
  /** Answers by what was asked for: nothing in them changes while the program runs. */
  const answers = new Map<string | undefined, CallToolResult>();
  return defineTool(deps, {
    name: "image_models",
    title: "Image models",
    description:
      "Image models compared: supported sizes, formats, usual times, what a picture costs.",
    searchHint:
      "which models can make images, list the image models, catalogue, price of an image, how much does it cost, how long each takes, cheapest, resolutions, aspect ratio",
    kind: "read",
    isConstant: true,
    input: () =>
      z.object({
        operation: knownAs(z.enum(OPERATIONS.map((operation) => operation.name)), {
          namesTools: true,
        })
          .optional()
          .describe("A start tool"),
      }),
    output: () => z.looseObject({ models: z.array(modelViewSchema) }),
    run: async (input) => {
      const known = answers.get(input.operation);
      if (known) return known;
      const wanted = CARDS.filter(
        (one) => input.operation === undefined || one.name === input.operation,
      );
      const models = wanted.map((one) => viewModel(one, deps.settings.prices));
      const answer = dataResult({ models });
      answers.set(input.operation, answer);
      return answer;
    },
  });
}

/** What a person or an assistant chooses a model by. */
export function viewModel(
  card: (typeof CARDS)[number],
  prices: PriceList,
): z.output<typeof modelViewSchema> {
  return {
    operation: card.name,
    title: card.title,
    kind: card.kind,
    price_usd: priceUsd(card, prices),
    price_per: card.price.per,
    image_sizes: card.sizes,
    output_formats: card.formats,
    notes: card.lacks.map((one) => `no ${one}`),
    typical_seconds: card.typicalSeconds,
    source: `${card.source}; price: ${card.price.source}`,
  };
}
