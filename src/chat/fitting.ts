import { AppError, toAppError } from "../core/errors.ts";
import type { Log } from "../core/log.ts";
import { grouped, oneLine } from "../core/text.ts";
import type { LongcatClient } from "../gateway/longcat.ts";
import { biggest } from "./attachable.ts";
import { type Past, tokensOf } from "./history.ts";
import type { ThreadFile, TurnRequest } from "./thread.ts";
import { estimateTokens, LARGEST_WINDOW_TOKENS } from "./tokens.ts";

/** Every model takes this much; below it nobody is asked how much it takes. */
const SURELY_FITS_TOKENS = 24_000;

export interface FittingContext {
  client: Pick<LongcatClient, "models" | "knownModels">;
  log: Log;
  /** Whether a thread's oldest turns may be left out where they no longer fit. */
  trimHistory: boolean;
  /** Whether the platform may be asked how much a model takes. */
  mayAsk: boolean;
}

/**
 * Makes sure that a turn and what goes along with it fit into the window of its model.
 * @returns the turns, by number, that must be left out so that the rest fits.
 * @throws {invalid_input} where it does not fit and nothing may be left out
 */
export async function fitTurn(
  context: FittingContext,
  request: TurnRequest,
  files: readonly ThreadFile[],
  { answered, waiting }: Past,
): Promise<number[]> {
  const { trimHistory } = context;
  const own =
    estimateTokens(request.prompt) +
    estimateTokens(request.system ?? "") +
    tokensOf({ turns: waiting.turns, files: [...waiting.files, ...files] });
  let total = own + answered.reduce((sum, one) => sum + one.tokens, 0);
  if (total <= SURELY_FITS_TOKENS) return [];
  const window = (await windowOf(context, request)) ?? LARGEST_WINDOW_TOKENS;
  const room = window - (request.maxTokens ?? 0);
  const leftOut: number[] = [];
  for (const one of answered) {
    if (total <= room || !trimHistory) break;
    // What was attached stays with its thread.
    if (one.files.length > 0) continue;
    leftOut.push(one.seq);
    total -= one.tokens;
  }
  if (total <= room) return leftOut;
  const all = [...answered.flatMap((one) => one.files), ...waiting.files, ...files];
  const named = all.length > 0 ? ` ${biggest(all, (file) => `~${count(file.tokens)} tokens`)}` : "";
  const kept = request.maxTokens
    ? `, of which max_tokens keeps ${count(request.maxTokens)} for the answer`
    : "";
  throw new AppError(
    "invalid_input",
    `That is about ${count(total)} tokens, and ${oneLine(request.model)} takes ${count(window)}${kept}.${named}`,
    { next: adviceOnSize(answered.length + waiting.files.length > leftOut.length, trimHistory) },
  );
}

async function windowOf(
  { client, log, mayAsk }: FittingContext,
  { format, model }: TurnRequest,
): Promise<number | undefined> {
  try {
    const [found] = mayAsk
      ? await client.models(format, model)
      : (client.knownModels(format, model) ?? []);
    return found?.contextLength;
  } catch (error) {
    const { code } = toAppError(error);
    log.warn({ model, code }, "the model's context is not known");
    return undefined;
  }
}

/** What can still make a turn fit. */
function adviceOnSize(hasHistory: boolean, trimHistory: boolean): string {
  if (!hasHistory) return "Attach less; nothing was sent.";
  const why = trimHistory
    ? "turns with files are never left out"
    : "LONGCAT_MCP_TRIM_HISTORY=on leaves out a thread's oldest turns";
  return `Attach less, or begin a new thread; ${why}. Nothing was sent.`;
}

/** Rounded up: what is more than a limit never reads like it. */
function count(tokens: number): string {
  return grouped(Math.ceil(tokens));
}
