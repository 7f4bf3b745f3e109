import { ageOf } from "../core/clock.ts";
import { AppError, toAppError } from "../core/errors.ts";
import { newJobId, newThreadId } from "../core/ids.ts";
import { oneLine } from "../core/text.ts";
import type { ChatRequest } from "../gateway/chat-body.ts";
import type { ChatOutcome, LongcatClient } from "../gateway/longcat.ts";
import type { JobContext } from "../jobs/context.ts";
import type { Job, JobPatch, JobState, WholeJob } from "../jobs/job.ts";
import type { Work } from "../jobs/job-kind.ts";
import type { JobRunner, Started } from "../jobs/runner.ts";
import { giveUp, MAX_WAIT_TO_SUBMIT_MS, pauseBeforeRetry } from "../jobs/sending.ts";
import { errorOf, moveSurely, surely } from "../jobs/transitions.ts";
import type { Places } from "../media/allowed-files.ts";
import { keepAnswer, needsFile, restoreAnswer } from "./answer-file.ts";
import { type Attached, attachable, attachFiles, biggest } from "./attachments.ts";
import { chatRequest, type Past, pastOf, tokensOf } from "./history.ts";
import { LiveAnswer } from "./live-answer.ts";
import { CHAT_OPERATION } from "./names.ts";
import { earlierText } from "./references.ts";
import type { ThreadFile, Turn, TurnOutcome, TurnRequest } from "./thread.ts";
import type { ThreadStore } from "./thread-store.ts";
import { estimateTokens } from "./tokens.ts";

/** How long a turn may go on after the server was asked to end. */
const LAST_WORDS_MS = 8_000;
/** Every model takes this much; below it nobody is asked how much it takes. */
const SURELY_FITS_TOKENS = 24_000;
/** The largest window that the documents print; of a model that tells none, no more is believed. */
const LARGEST_WINDOW_TOKENS = 1_048_576;
const TITLE_CHARACTERS = 80;
const RECORDED_CHARACTERS = 200;
const STOPPED = "the server stopped";

export type DelegateContext = Pick<
  JobContext,
  "store" | "holder" | "events" | "clock" | "log" | "library" | "timeScale" | "stopping"
> & {
  client: LongcatClient;
  threads: ThreadStore;
  /** Where turns are sent. */
  baseUrl: string;
  places: Places;
  defaultModel: string;
  /** Whether a thread's oldest turns may be left out where they no longer fit. */
  trimHistory: boolean;
};

export interface TurnArguments extends Omit<TurnRequest, "model"> {
  model?: string | undefined;
  threadId?: string | undefined;
  files?: readonly string[] | undefined;
  saveTo?: string | undefined;
  idempotencyKey?: string | undefined;
  forceNew?: boolean | undefined;
}

/** Hands tasks to the chat platform: every turn is a job, its text kept while it comes. */
export class Delegate implements Work {
  readonly name = CHAT_OPERATION;
  readonly #context: DelegateContext;
  readonly #live = new Map<string, LiveAnswer>();
  /** The last call that is being recorded, by thread. */
  readonly #starting = new Map<string, Promise<unknown>>();

  constructor(context: DelegateContext) {
    this.#context = context;
  }

  get baseUrl(): string {
    return this.#context.baseUrl;
  }

  /**
   * Records a turn with what it attaches, and sets it going, unless an identical earlier one stands
   * for it.
   * @throws {not_found} for an unknown thread
   * @throws {invalid_input} for files that cannot be attached, for more than the model takes, and
   *   while the thread's last turn is under way
   */
  async start(owner: string, given: TurnArguments, jobs: JobRunner): Promise<Started> {
    const { threadId } = given;
    if (threadId === undefined) return this.#start(owner, given, jobs);
    return this.#oneByOne(threadId, async () => {
      await this.requireThread(owner, threadId);
      return this.#start(owner, given, jobs);
    });
  }

  /** For a thread: a call that is repeated at once finds the job of the first. */
  async #oneByOne<T>(threadId: string, call: () => Promise<T>): Promise<T> {
    const mine = (this.#starting.get(threadId) ?? Promise.resolve()).then(call);
    const over = mine.catch(() => undefined);
    this.#starting.set(threadId, over);
    try {
      return await mine;
    } finally {
      if (this.#starting.get(threadId) === over) this.#starting.delete(threadId);
    }
  }

  async #start(owner: string, given: TurnArguments, jobs: JobRunner): Promise<Started> {
    const { defaultModel } = this.#context;
    const {
      threadId: continued,
      files: patterns = [],
      saveTo,
      idempotencyKey,
      forceNew,
      ...asked
    } = given;
    const jobId = newJobId();
    const threadId = continued ?? newThreadId();
    const request = withoutUnset({ ...asked, model: asked.model ?? defaultModel });
    try {
      const { files, all, warnings } = await this.#attach(owner, jobId, threadId, patterns);
      const started = await jobs.startWork({
        work: this,
        jobId,
        owner,
        threadId,
        input: {
          prompt: oneLine(request.prompt, RECORDED_CHARACTERS),
          model: request.model,
          thread_id: threadId,
          ...(patterns.length > 0 ? { files: patterns } : {}),
        },
        wire: {
          request,
          thread: continued ?? null,
          files: all,
          saveTo,
        },
        saveTo,
        idempotencyKey,
        forceNew,
        warnings,
        record: () => this.#record(owner, jobId, threadId, request, files, warnings),
      });
      if (started.isRepeat) await this.#context.threads.takeBack(owner, jobId);
      return started;
    } catch (error) {
      await this.#context.threads.takeBack(owner, jobId);
      throw error;
    }
  }

  /** @throws {not_found} */
  async requireThread(owner: string, threadId: string): Promise<void> {
    if (await this.#context.threads.thread(owner, threadId)) return;
    throw new AppError("not_found", `There is no thread \`${threadId}\`.`, {
      next: "Check the id; `chat_threads` lists the ones that exist.",
    });
  }

  /** How an answer that is coming to this process stands. */
  live(jobId: string): { answer: string; characters: number; isThinking: boolean } | undefined {
    return this.#live.get(jobId);
  }

  async carryOut(queued: Job): Promise<void> {
    const { store, threads, clock, stopping } = this.#context;
    const turn = await this.#surely(queued, () => threads.turn(queued.owner, queued.jobId));
    if (!turn) {
      await this.#end(queued, "cancelled", new AppError("not_found", "Its thread was deleted."));
      return;
    }
    const request = await this.#surely(queued, () => this.#request(queued.owner, turn));
    const ageMs = ageOf(clock, queued.createdAt);
    const isLate = () => ageMs() >= MAX_WAIT_TO_SUBMIT_MS;
    const mayBeSent = () => !isLate() && !stopping.aborted;
    let job = queued;
    for (let tries = 0; ; tries++) {
      // On a full disk this takes long, and what waits too long is not sent any more.
      const submitting = await moveSurely(this.#context, job, "submitting", {}, mayBeSent);
      if (!submitting) {
        const current = await this.#surely(job, () => store.get(job.owner, job.jobId));
        if (current?.state !== "queued" || !isLate()) return;
        await this.#finish(current, undefined);
        await giveUp(this.#context, current);
        return;
      }
      const refusal = await this.#send(submitting, request);
      if (!refusal) return;
      const again = await moveSurely(this.#context, submitting, "queued", {
        error: errorOf(refusal),
      });
      if (!again) return;
      job = again;
      const left = MAX_WAIT_TO_SUBMIT_MS - ageMs();
      if (!(await pauseBeforeRetry(this.#context, refusal, tries, left))) return;
    }
  }

  async recover(job: Job): Promise<void> {
    const { threads, clock, baseUrl } = this.#context;
    const turn = await this.#surely(job, () => threads.turn(job.owner, job.jobId));
    if (job.state === "queued") {
      const late = clock.now() - job.createdAt >= MAX_WAIT_TO_SUBMIT_MS;
      if (!late && job.baseUrl === baseUrl) return this.carryOut(job);
      const why = late ? "more than ten minutes ago" : "and it was for another base URL";
      const message = `It was recorded but not sent when the server stopped, ${why}.`;
      return this.#end(job, "cancelled", new AppError("cancelled", message));
    }
    const { answer, reasoning } = await this.#surely(job, () => threads.said(job.owner, job.jobId));
    const arrived = answer !== "" || reasoning !== "";
    if (turn && (turn.outcome || arrived)) {
      return this.#complete(job, turn.outcome ?? { brokeOff: STOPPED });
    }
    const message = "The server stopped before anything of the answer had come.";
    return this.#end(job, "unknown", new AppError("outcome_unknown", message));
  }

  async restore(job: WholeJob): Promise<WholeJob> {
    return restoreAnswer(this.#context, job);
  }

  async cancelled({ owner, jobId }: Job): Promise<void> {
    const { threads, clock, log } = this.#context;
    await threads
      .finish(owner, jobId, undefined, clock.now())
      // The next start does it.
      .catch((error: unknown) => log.error({ job: jobId, err: error }, "a turn is not ended"));
  }

  async #attach(
    owner: string,
    jobId: string,
    threadId: string,
    patterns: readonly string[],
  ): Promise<Attached> {
    const { threads, places, clock } = this.#context;
    if (patterns.length === 0) return { files: [], all: [], warnings: [] };
    const known = await threads.files(owner, threadId);
    const now = clock.now();
    const findEarlier = async (reference: string) =>
      attachable(await earlierText(reference, owner, this.#context), places);
    return attachFiles(threads, {
      ...{ owner, jobId, threadId, patterns, places, findEarlier, known, now },
    });
  }

  /** Makes sure that all of a turn fits, and adds it to its thread. */
  async #record(
    owner: string,
    jobId: string,
    threadId: string,
    request: TurnRequest,
    files: readonly ThreadFile[],
    warnings: string[],
  ): Promise<void> {
    const { threads, clock } = this.#context;
    const past = await pastOf(threads, owner, threadId, Number.MAX_SAFE_INTEGER);
    const leftOut = await this.#fit(request, files, past);
    if (leftOut.length > 0) {
      warnings.push(
        `${leftOut.length} of the thread's oldest turns no longer fit and were left out.`,
      );
    }
    const { busyWith } = await threads.begin(owner, {
      jobId,
      threadId,
      request: leftOut.length === 0 ? request : { ...request, leftOut },
      title: oneLine(request.prompt, TITLE_CHARACTERS),
      now: clock.now(),
    });
    if (busyWith !== undefined) throw busy(threadId, busyWith);
  }

  /**
   * @returns the turns that must be left out so that the rest fits.
   * @throws {invalid_input} where it does not fit and nothing may be left out
   */
  async #fit(
    request: TurnRequest,
    files: readonly ThreadFile[],
    { answered, waiting }: Past,
  ): Promise<number[]> {
    const own =
      estimateTokens(request.prompt) +
      estimateTokens(request.system ?? "") +
      tokensOf({ turns: waiting.turns, files: [...waiting.files, ...files] });
    let total = own + answered.reduce((sum, one) => sum + one.tokens, 0);
    if (total <= SURELY_FITS_TOKENS) return [];
    const context = (await this.#contextLength(request)) ?? LARGEST_WINDOW_TOKENS;
    const room = context - (request.maxTokens ?? 0);
    const leftOut: number[] = [];
    for (const one of answered) {
      if (total <= room || !this.#context.trimHistory) break;
      // What was attached stays with its thread.
      if (one.files.length > 0) continue;
      leftOut.push(one.seq);
      total -= one.tokens;
    }
    if (total <= room) return leftOut;
    const all = [...answered.flatMap((one) => one.files), ...waiting.files, ...files];
    const named =
      all.length > 0 ? ` ${biggest(all, (file) => `~${count(file.tokens)} tokens`)}` : "";
    throw new AppError(
      "invalid_input",
      `That is about ${count(total)} tokens, and ${request.model} takes ${count(context)}${request.maxTokens ? `, of which max_tokens keeps ${count(request.maxTokens)} for the answer` : ""}.${named}`,
      {
        next: adviceOnSize(
          answered.length + waiting.files.length > leftOut.length,
          this.#context.trimHistory,
        ),
      },
    );
  }

  async #contextLength({ format, model }: TurnRequest): Promise<number | undefined> {
    try {
      const [found] = await this.#context.client.models(format, model);
      return found?.contextLength;
    } catch (error) {
      const { code } = toAppError(error);
      this.#context.log.warn({ model, code }, "the model's context is not known");
      return undefined;
    }
  }

  /** @returns the refusal after which the turn may be sent again, if it was one. */
  async #send(submitting: Job, request: ChatRequest): Promise<AppError | undefined> {
    const { client, clock, events, log, threads, stopping } = this.#context;
    const { owner, jobId } = submitting;
    let job = submitting;
    const live = new LiveAnswer({
      store: threads,
      clock,
      owner,
      jobId,
      onProgress: () => events.publish(job),
      onError: (error) => {
        log.error({ job: jobId, err: error }, "an answer cannot be kept at the moment");
        events.holdUp(jobId, toAppError(error).message);
      },
    });
    const hurry = new AbortController();
    const stop = () => {
      void live.save();
      clock.schedule(LAST_WORDS_MS, () => hurry.abort());
    };
    stopping.addEventListener("abort", stop, { once: true });
    this.#live.set(jobId, live);
    try {
      let outcome: ChatOutcome;
      try {
        outcome = await client.chat(
          request,
          {
            accepted: async () => {
              const acceptedAt = clock.now();
              const patch = { acceptedAt, error: null };
              job = (await moveSurely(this.#context, job, "running", patch)) ?? job;
            },
            news: (news) => live.take(news),
          },
          hurry.signal,
        );
      } catch (error) {
        outcome = notSent(error);
      }
      await this.#surely(job, () => live.end());
      if (outcome.kind === "not_taken") return outcome.error;
      await this.#settle(job, live, outcome);
      return undefined;
    } finally {
      stopping.removeEventListener("abort", stop);
      this.#live.delete(jobId);
    }
  }

  async #request(owner: string, turn: Turn): Promise<ChatRequest> {
    const { threads } = this.#context;
    const skipped = turn.request.leftOut ?? [];
    const past = await pastOf(threads, owner, turn.threadId, turn.seq);
    const files = await threads.files(owner, turn.threadId);
    return chatRequest(
      threads,
      owner,
      turn,
      files.filter((file) => file.jobId === turn.jobId),
      { ...past, answered: past.answered.filter((one) => !skipped.includes(one.seq)) },
    );
  }

  async #settle(
    job: Job,
    live: LiveAnswer,
    outcome: Exclude<ChatOutcome, { kind: "not_taken" }>,
  ): Promise<void> {
    const { facts } = live;
    if (outcome.kind === "ended") {
      return this.#complete(job, outcome.marked ? facts : { ...facts, unmarked: true });
    }
    if (outcome.kind === "cut" && live.characters > 0) {
      return this.#complete(job, { ...facts, brokeOff: outcome.error.message });
    }
    const isOpen =
      outcome.kind === "uncertain" ||
      (outcome.kind === "cut" && outcome.error.code === "outcome_unknown");
    return this.#end(job, isOpen ? "unknown" : "failed", outcome.error);
  }

  /** Makes an answer the job's result. */
  async #complete(job: Job, outcome: TurnOutcome): Promise<void> {
    const { threads, clock, library, store } = this.#context;
    await this.#finish(job, outcome);
    const arrived =
      job.state === "downloading" ? job : await moveSurely(this.#context, job, "downloading", {});
    if (!arrived) return;
    const { answer } = await this.#surely(job, () => threads.said(job.owner, job.jobId));
    const patch: JobPatch = { completedAt: clock.now(), error: null };
    if (needsFile(answer, job.saveTo)) {
      const whole = await this.#surely(job, () => store.get(job.owner, job.jobId));
      if (!whole) return;
      const { media, warnings } = await keepAnswer(library, whole, answer);
      patch.media = media;
      patch.warnings = [...job.warnings, ...warnings];
    }
    await moveSurely(this.#context, arrived, "completed", patch);
  }

  async #end(job: Job, state: JobState, error: AppError): Promise<void> {
    await this.#finish(job, undefined);
    const charge = state === "unknown" ? ("uncertain" as const) : ("none" as const);
    const patch = { charge, error: errorOf(error), completedAt: this.#context.clock.now() };
    await moveSurely(this.#context, job, state, patch);
  }

  async #finish(job: Job, outcome: TurnOutcome | undefined): Promise<void> {
    const { threads, clock } = this.#context;
    await this.#surely(job, () => threads.finish(job.owner, job.jobId, outcome, clock.now()));
  }

  /** Waits while the disk is full, rather than losing a turn to it. */
  #surely<T>({ jobId }: Job, work: () => Promise<T>): Promise<T> {
    return surely(this.#context, jobId, work);
  }
}

/** A missing setting is found before anything is sent; of any other failure nobody can say that. */
function notSent(thrown: unknown): ChatOutcome {
  const error = toAppError(thrown);
  if (error.code === "configuration") return { kind: "refused", error };
  const message = `It is not known whether the request was sent: ${error.message}`;
  return { kind: "uncertain", error: new AppError("outcome_unknown", message, { cause: error }) };
}

/** What can still make a turn fit. */
function adviceOnSize(hasHistory: boolean, trimHistory: boolean): string {
  if (!hasHistory) return "Attach less; nothing was sent.";
  const why = trimHistory
    ? "turns with files are never left out"
    : "LONGCAT_MCP_TRIM_HISTORY=on leaves out a thread's oldest turns";
  return `Attach less, or begin a new thread; ${why}. Nothing was sent.`;
}

function busy(threadId: string, jobId: string): AppError {
  return new AppError("invalid_input", `${threadId} is still being answered in ${jobId}.`, {
    next: `Wait for it with \`job_status\`, job_id "${jobId}", or begin a new thread without thread_id. Nothing was sent.`,
  });
}

function withoutUnset<T extends object>(value: T): { [K in keyof T]: Exclude<T[K], undefined> };
function withoutUnset(value: object): object {
  return Object.fromEntries(Object.entries(value).filter(([, field]) => field !== undefined));
}

/** Rounded up: what is more than a limit never reads like it. */
function count(tokens: number): string {
  return Math.ceil(tokens).toLocaleString("en");
}
