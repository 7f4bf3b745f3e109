import * as z from "zod";

const text = z.string().optional().catch(undefined);
const count = z.number().optional().catch(undefined);

const modelSchema = z.looseObject({
  id: z.string(),
  name: text,
  owned_by: text,
  created: count,
  context_length: count,
  architecture: z
    .looseObject({
      input_modalities: z.array(z.string()).optional().catch(undefined),
      output_modalities: z.array(z.string()).optional().catch(undefined),
    })
    .optional()
    .catch(undefined),
  supported_parameters: z.array(z.string()).optional().catch(undefined),
  pricing: z
    .looseObject({ prompt: z.unknown().optional(), completion: z.unknown().optional() })
    .optional()
    .catch(undefined),
});

/** What the platform says about a model; everything but the id may be missing. */
export interface ChatModel {
  id: string;
  name?: string | undefined;
  ownedBy?: string | undefined;
  createdAt?: number | undefined;
  contextLength?: number | undefined;
  inputModalities?: string[] | undefined;
  supportedParameters?: string[] | undefined;
  /** US dollars as printed, per token. */
  promptPriceUsd?: number | undefined;
  completionPriceUsd?: number | undefined;
}

/** @returns `undefined` when it is not a model. */
export function readModel(json: unknown): ChatModel | undefined {
  const parsed = modelSchema.safeParse(json).data;
  if (!parsed) return undefined;
  return {
    id: parsed.id,
    name: parsed.name,
    ownedBy: parsed.owned_by,
    createdAt: parsed.created === undefined ? undefined : parsed.created * 1000,
    contextLength: parsed.context_length,
    inputModalities: parsed.architecture?.input_modalities,
    supportedParameters: parsed.supported_parameters,
    promptPriceUsd: price(parsed.pricing?.prompt),
    completionPriceUsd: price(parsed.pricing?.completion),
  };
}

/** @returns `undefined` when it is not a list. */
export function readModels(json: unknown): ChatModel[] | undefined {
  const listed = z.looseObject({ data: z.array(z.unknown()) }).safeParse(json).data?.data;
  const models = listed ?? z.array(z.unknown()).safeParse(json).data;
  return models?.flatMap((one) => readModel(one) ?? []);
}

/** Prices come as decimal strings. */
function price(given: unknown): number | undefined {
  const isPrinted = typeof given === "number" || (typeof given === "string" && given.trim() !== "");
  const value = isPrinted ? Number(given) : Number.NaN;
  return Number.isFinite(value) ? value : undefined;
}
