import { toAppError } from "../core/errors.ts";
import { type Caps, exactUsd } from "../core/money.ts";
import type { ChatModel } from "../gateway/chat-models.ts";
import type { LongcatClient } from "../gateway/longcat.ts";
import type { Standing } from "../jobs/standing.ts";
import type { ChatContext } from "./chat-context.ts";
import { type Past, pastOf, tokensOf } from "./history.ts";
import type { ThreadFile, TurnRequest } from "./thread.ts";
import { estimateTokens, LARGEST_WINDOW_TOKENS, LONGEST_ANSWER_TOKENS } from "./tokens.ts";

/** Estimates are on the low side, because they refuse; what is set aside is not. */
const SURELY = 2;
const NEWEST = Number.MAX_SAFE_INTEGER;

/** US dollars per token. */
interface TokenPrices {
  inUsd: number;
  outUsd: number;
}

/**
 * What is set aside for a turn, where a cap holds and the platform prints prices: without a cap
 * nothing is asked for, so that turns begin as soon as ever.
 * @returns 0 where nothing is.
 */
export async function setAsideUsd(
  context: Pick<ChatContext, "store" | "clock" | "client" | "threads" | "caps" | "log">,
  owner: string,
  turn: { threadId: string; request: TurnRequest; files: readonly ThreadFile[]; mayAsk: boolean },
): Promise<number> {
  const { store, clock, client, threads, caps } = context;
  const { threadId, request, files, mayAsk } = turn;
  if (!isCapped(await store.committed(owner, clock.now()), caps)) return 0;
  const prices = await pricesOf(client.of(owner), request, { ...context, mayAsk });
  if (!prices) return 0;
  return mostUsd(prices, request, files, await pastOf(threads, owner, threadId, NEWEST));
}

function isCapped({ shared }: Standing, common: Caps): boolean {
  const all = shared ? [common, shared.caps] : [common];
  return all.some(
    ({ perDayUsd, perMonthUsd }) => perDayUsd !== undefined || perMonthUsd !== undefined,
  );
}

/** What the platform prints for a model; `undefined` where it prints none: no turn is refused for that. */
export async function pricesOf(
  client: Pick<LongcatClient, "models" | "knownModels">,
  { format, model }: TurnRequest,
  { log, mayAsk }: Pick<ChatContext, "log"> & { mayAsk: boolean },
): Promise<TokenPrices | undefined> {
  const found: ChatModel[] = mayAsk
    ? await client.models(format, model).catch((error: unknown) => {
        log.warn({ model, code: toAppError(error).code }, "the price of a model is not known");
        return [];
      })
    : (client.knownModels(format, model) ?? []);
  const { promptPriceUsd, completionPriceUsd } = found.find(({ id }) => id === model) ?? {};
  if (promptPriceUsd === undefined || completionPriceUsd === undefined) return undefined;
  const prices = { inUsd: promptPriceUsd, outUsd: completionPriceUsd };
  return prices.inUsd + prices.outUsd > 0 ? prices : undefined;
}

/** What a turn may cost at most, with all that goes along with it. */
function mostUsd(
  { inUsd, outUsd }: TokenPrices,
  request: TurnRequest,
  files: readonly ThreadFile[],
  { answered, waiting }: Past,
): number {
  const estimated =
    estimateTokens(request.prompt) +
    estimateTokens(request.system ?? "") +
    tokensOf({ turns: waiting.turns, files: [...waiting.files, ...files] }) +
    answered.reduce((sum, one) => sum + one.tokens, 0);
  const tokensIn = Math.min(estimated * SURELY, LARGEST_WINDOW_TOKENS);
  return upTo(tokensIn * inUsd + (request.maxTokens ?? LONGEST_ANSWER_TOKENS) * outUsd);
}

/** What the tokens of a turn cost; `undefined` where they were not told. */
export function costUsd(
  { inUsd, outUsd }: TokenPrices,
  { inputTokens, outputTokens }: { inputTokens?: number; outputTokens?: number },
): number | undefined {
  if (inputTokens === undefined || outputTokens === undefined) return undefined;
  return upTo(inputTokens * inUsd + outputTokens * outUsd);
}

/** Sums are kept to a millionth of a dollar: a turn that costs less than that is not free. */
function upTo(usd: number): number {
  return exactUsd(Math.ceil(usd * 1e6) / 1e6);
}
