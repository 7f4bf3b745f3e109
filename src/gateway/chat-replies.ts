import * as z from "zod";
import { parseJson } from "./replies.ts";

/*
 * Readers for everything a chat answers with: chunks and events of both formats, and whole answers
 * of servers that do not stream. A field of the wrong type counts as absent.
 */

const text = z.string().optional().catch(undefined);
const count = z.number().optional().catch(undefined);

const block = z
  .looseObject({ type: text, text, thinking: text, content: z.unknown().optional() })
  .optional()
  .catch(undefined);
const content = z
  .union([z.string(), z.array(z.union([z.string(), block]))])
  .optional()
  .catch(undefined);

const usageSchema = z
  .looseObject({
    prompt_tokens: count,
    completion_tokens: count,
    input_tokens: count,
    output_tokens: count,
  })
  .optional()
  .catch(undefined);

const openaiMessage = z
  .looseObject({ content, reasoning_content: text })
  .optional()
  .catch(undefined);
const openaiSchema = z.looseObject({
  model: text,
  choices: z
    .array(
      z
        .looseObject({ delta: openaiMessage, message: openaiMessage, finish_reason: text })
        .optional()
        .catch(undefined),
    )
    .optional()
    .catch(undefined),
  usage: usageSchema,
  error: z.unknown().optional(),
});

const anthropicSchema = z.looseObject({
  type: text,
  message: z.looseObject({ model: text, usage: usageSchema, content }).optional().catch(undefined),
  content_block: block,
  delta: z
    .looseObject({ type: text, text, thinking: text, stop_reason: text })
    .optional()
    .catch(undefined),
  /** Of a whole answer. */
  model: text,
  content,
  stop_reason: text,
  usage: usageSchema,
  error: z.unknown().optional(),
});

/** What one chunk, event or whole answer adds. */
export interface ChatNews {
  text: string;
  reasoning: string;
  model?: string | undefined;
  finishReason?: string | undefined;
  inputTokens?: number | undefined;
  outputTokens?: number | undefined;
  /** The provider says that nothing more comes. */
  done: boolean;
  /** The provider's own error, as JSON text. */
  error?: string | undefined;
}

/** @returns `undefined` for what is no JSON object, such as half an event. */
export function readChatNews(data: string): ChatNews | undefined {
  if (data.trim() === "[DONE]") return { text: "", reasoning: "", done: true };
  const json = parseJson(data);
  const openai = openaiSchema.safeParse(json).data;
  const anthropic = anthropicSchema.safeParse(json).data;
  if (!openai || !anthropic) return undefined;
  if (anthropic.error !== undefined && anthropic.error !== null) {
    return { text: "", reasoning: "", done: false, error: data };
  }
  return openai.choices === undefined && anthropic.type !== undefined
    ? fromAnthropic(anthropic)
    : fromOpenai(openai);
}

function fromOpenai({ model, choices, usage }: z.output<typeof openaiSchema>): ChatNews {
  const [choice] = choices ?? [];
  const said = choice?.delta ?? choice?.message;
  const { text: spoken, reasoning } = split(said?.content);
  return {
    text: spoken,
    reasoning: (said?.reasoning_content ?? "") + reasoning,
    model: model || undefined,
    finishReason: choice?.finish_reason || undefined,
    inputTokens: usage?.prompt_tokens,
    outputTokens: usage?.completion_tokens,
    done: false,
  };
}

function fromAnthropic(event: z.output<typeof anthropicSchema>): ChatNews {
  const { message, delta, content_block: opened } = event;
  const whole = split([...list(event.content), ...list(message?.content), opened]);
  const usage = event.usage ?? message?.usage;
  return {
    text: whole.text + (delta?.text ?? ""),
    reasoning: whole.reasoning + (delta?.thinking ?? ""),
    model: event.model || message?.model || undefined,
    finishReason: event.stop_reason || delta?.stop_reason || undefined,
    inputTokens: usage?.input_tokens,
    outputTokens: usage?.output_tokens,
    done: event.type === "message_stop",
  };
}

type Content = z.output<typeof content>;

function list(given: Content): Exclude<Content, string | undefined> {
  if (given === undefined) return [];
  return typeof given === "string" ? [given] : given;
}

/** A block may carry its reasoning beside its text. */
function split(given: Content): { text: string; reasoning: string } {
  const blocks = list(given);
  const pick = (field: "text" | "thinking") =>
    blocks
      .map((one) =>
        typeof one === "string" ? (field === "text" ? one : "") : (one?.[field] ?? ""),
      )
      .join("");
  return { text: pick("text"), reasoning: pick("thinking") };
}

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
