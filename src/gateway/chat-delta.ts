import * as z from "zod";
import { parseJson } from "./gateway-reply.ts";

/*
 * Readers for everything a chat answers with: chunks and events of both formats, and whole answers
 * of servers that do not stream. A field of the wrong type counts as absent.
 */

const text = z.string().optional().catch(undefined);
const count = z.number().optional().catch(undefined);

/** A part of a message, or a message or delta itself: whatever may hold words. */
const part = z
  .looseObject({
    type: text,
    text,
    content: z.unknown().optional(),
    summary: z.unknown().optional(),
    thought: z.unknown().optional(),
    thinking: z.unknown().optional(),
    reasoning_content: z.unknown().optional(),
    reasoning: z.unknown().optional(),
    reasoning_text: z.unknown().optional(),
    reasoning_details: z.unknown().optional(),
    thoughts: z.unknown().optional(),
    stop_reason: text,
  })
  .optional()
  .catch(undefined);
type Part = z.output<typeof part>;

const usageSchema = z
  .looseObject({
    prompt_tokens: count,
    completion_tokens: count,
    input_tokens: count,
    output_tokens: count,
  })
  .optional()
  .catch(undefined);

const openaiSchema = z.looseObject({
  model: text,
  choices: z
    .array(
      z
        .looseObject({ delta: part, message: part, text, finish_reason: text })
        .optional()
        .catch(undefined),
    )
    .optional()
    .catch(undefined),
  usage: usageSchema,
  success: z.boolean().optional().catch(undefined),
  error: z.unknown().optional(),
});

const anthropicSchema = z.looseObject({
  type: text,
  message: z
    .looseObject({ model: text, usage: usageSchema, content: z.unknown().optional() })
    .optional()
    .catch(undefined),
  content_block: part,
  delta: part,
  /** Of a whole answer. */
  model: text,
  content: z.unknown().optional(),
  stop_reason: text,
  usage: usageSchema,
  error: z.unknown().optional(),
});

/** What one chunk, event or whole answer adds. */
export interface ChatDelta {
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
export function readChatDelta(data: string): ChatDelta | undefined {
  if (data.trim() === "[DONE]") return { text: "", reasoning: "", done: true };
  const json = parseJson(data);
  const openai = openaiSchema.safeParse(json).data;
  const anthropic = anthropicSchema.safeParse(json).data;
  if (!openai || !anthropic) return undefined;
  const isError = anthropic.type === "error" || (openai.success === false && !openai.choices);
  if (isError || (anthropic.error !== undefined && anthropic.error !== null)) {
    return { text: "", reasoning: "", done: false, error: data };
  }
  return openai.choices === undefined && anthropic.type !== undefined
    ? fromAnthropic(anthropic)
    : fromOpenai(openai);
}

function fromOpenai({ model, choices, usage }: z.output<typeof openaiSchema>): ChatDelta {
  const [choice] = choices ?? [];
  const words = wordsOf(choice?.delta ?? choice?.message ?? choice?.text);
  return {
    ...words,
    model: model || undefined,
    finishReason: choice?.finish_reason || undefined,
    inputTokens: usage?.prompt_tokens,
    outputTokens: usage?.completion_tokens,
    done: false,
  };
}

function fromAnthropic(event: z.output<typeof anthropicSchema>): ChatDelta {
  const { message, delta, content_block: opened } = event;
  const words = wordsOf([event.content, message?.content, opened, delta]);
  const usage = event.usage ?? message?.usage;
  return {
    ...words,
    model: event.model || message?.model || undefined,
    finishReason: event.stop_reason || delta?.stop_reason || undefined,
    inputTokens: usage?.input_tokens,
    outputTokens: usage?.output_tokens,
    done: event.type === "message_stop",
  };
}

interface Words {
  text: string;
  reasoning: string;
}

/** Far deeper than any message nests its parts. */
const MAX_DEPTH = 8;
/** Kinds of parts that are thoughts, the redacted ones among them. */
const THOUGHT_TYPE = /think|thought|reason/i;

/**
 * The words of a message, delta, block or list of those: what is thought in whatever field, block or
 * marked part, and what is said.
 */
function wordsOf(given: unknown, depth = 0): Words {
  if (typeof given === "string") return { text: given, reasoning: "" };
  if (depth > MAX_DEPTH || typeof given !== "object" || given === null) return NO_WORDS;
  if (Array.isArray(given)) return joined(given.map((one) => wordsOf(one, depth + 1)));
  const one: Part = part.parse(given);
  if (!one) return NO_WORDS;
  const said = wordsOf(one.text ?? one.content, depth + 1);
  const thought = { text: "", reasoning: thoughtsIn(one, depth + 1) };
  const isThought = one.thought === true || THOUGHT_TYPE.test(one.type ?? "");
  if (!isThought) return joined([thought, said]);
  // The same thoughts are often told in several fields.
  const told = thought.reasoning || allOf(said) || allOf(wordsOf(one.summary, depth + 1));
  return { text: "", reasoning: told };
}

/** Some send the same thoughts twice, under two names: the first that holds any counts. */
function thoughtsIn(one: NonNullable<Part>, depth: number): string {
  const fields = [
    one.reasoning_content,
    one.reasoning,
    one.thinking,
    one.reasoning_text,
    one.thoughts,
    one.thought,
    one.reasoning_details,
  ];
  for (const field of fields) {
    const words = allOf(wordsOf(field, depth));
    if (words !== "") return words;
  }
  return "";
}

const NO_WORDS: Words = { text: "", reasoning: "" };

function joined(words: readonly Words[]): Words {
  return {
    text: words.map((one) => one.text).join(""),
    reasoning: words.map((one) => one.reasoning).join(""),
  };
}

function allOf({ text: said, reasoning }: Words): string {
  return reasoning + said;
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
