import type { Caller } from "../core/caller.ts";
import { AppError } from "../core/errors.ts";
import { oneLine } from "../core/text.ts";
import type { Job, JobPatch, JobState, WholeJob } from "../jobs/job.ts";
import type { Draft, Send, StartableKind } from "../jobs/job-kind.ts";
import { tooLateToSend } from "../jobs/sending.ts";
import { errorOf, moveSurely, surely } from "../jobs/transitions.ts";
import { keepAnswer, needsFile, restoreAnswer, withAnswerFile } from "./answer-file.ts";
import { type Asked, Asking, requestOf } from "./asking.ts";
import type { ChatContext } from "./chat-context.ts";
import { CHAT_OPERATION } from "./chat-operation.ts";
import { OneByOne } from "./one-by-one.ts";
import type { TurnOutcome } from "./thread.ts";
import { deleteThread } from "./thread-deletion.ts";
import type { Deletion } from "./thread-store.ts";
import { draftTurn, type TurnArguments } from "./turn-draft.ts";
import { costUsd, pricesOf } from "./turn-price.ts";

const STOPPED = "the server stopped";
/** Why an answer broke off that somebody did not want any more. */
export const CANCELLED = "it was stopped by `job_cancel`";

/** The chat kind of job: a turn of a conversation, its text kept while it comes. */
export class Delegate implements StartableKind<TurnArguments> {
  readonly operations = [CHAT_OPERATION];
  readonly baseUrl: string;
  /** Wherever a turn was sent, what has come of its answer is here. */
  readonly recoversAt = undefined;
  readonly timeScale: number;
  /** What has come by then is kept. */
  readonly stoppable = ["submitting", "running"] as const;
  readonly #context: ChatContext;
  readonly #asking: Asking;
  /** Calls that are being recorded, by thread. */
  readonly #starting = new OneByOne();

  constructor(context: ChatContext) {
    this.#context = context;
    this.baseUrl = context.baseUrl;
    this.timeScale = context.timeScale;
    this.#asking = new Asking(context);
  }

  /** @throws {not_found} */
  async requireThread(owner: string, threadId: string): Promise<void> {
    if (await this.#context.threads.thread(owner, threadId)) return;
    throw new AppError("not_found", `There is no thread \`${oneLine(threadId)}\`.`, {
      next: "Check the id; `chat_threads` lists the ones that exist.",
    });
  }

  /** Deletes a conversation, unless it is still being answered. */
  deleteThread(owner: string, threadId: string): Promise<Deletion> {
    return deleteThread(this.#context, owner, threadId, this.#context.clock.now());
  }

  /** How an answer that is coming to this process stands. */
  live(jobId: string): { answer: string; characters: number; isThinking: boolean } | undefined {
    return this.#asking.live(jobId);
  }

  /**
   * In a thread one after the other, so that a call that is repeated at once finds the job of the
   * first.
   */
  async draft(caller: Caller, given: TurnArguments, isRehearsal: boolean): Promise<Draft> {
    const { threadId } = given;
    if (threadId === undefined) return draftTurn(this.#context, caller, given, isRehearsal);
    const leave = await this.#starting.enter(threadId);
    try {
      await this.requireThread(caller.owner, threadId);
      const draft = await draftTurn(this.#context, caller, given, isRehearsal);
      return { ...draft, over: (isRecorded) => draft.over(isRecorded).finally(leave) };
    } catch (error) {
      leave();
      throw error;
    }
  }

  async load(queued: Job): Promise<Send | undefined> {
    const turn = await this.#surely(queued, () =>
      this.#context.threads.turn(queued.owner, queued.jobId),
    );
    if (!turn) {
      await this.#end(queued, "cancelled", new AppError("not_found", "Its thread was deleted."));
      return undefined;
    }
    const request = await this.#surely(queued, () => requestOf(this.#context, queued.owner, turn));
    return async (submitting) => {
      const asked = await this.#asking.ask(submitting, request);
      const { kind } = asked.outcome;
      if (asked.wasStopped && kind !== "ended" && kind !== "refused") {
        return { job: await this.#stopped(asked) };
      }
      if (asked.outcome.kind === "not_taken") return { notTaken: asked.outcome.error };
      return { job: await this.#settle(asked) };
    };
  }

  /** An answer comes while it is asked for: there is nothing to look at afterwards. */
  follow(): void {}

  /** Makes an answer that has come the job's result. */
  async collect(arrived: Job): Promise<void> {
    const { threads, clock, store } = this.#context;
    const { answer } = await this.#surely(arrived, () =>
      threads.said(arrived.owner, arrived.jobId),
    );
    const patch: JobPatch = { completedAt: clock.now(), error: null };
    if (arrived.charge === "reserved") {
      patch.charge = "spent";
      patch.costUsd = (await this.#costOf(arrived)) ?? arrived.reservedUsd;
    }
    if (needsFile(answer, arrived.saveTo)) {
      const whole = await this.#surely(arrived, () => store.get(arrived.owner, arrived.jobId));
      if (!whole) return;
      const { media, warnings } = await keepAnswer(this.#context, whole, answer);
      patch.media = media;
      patch.warnings = [...arrived.warnings, ...warnings];
    }
    await moveSurely(this.#context, arrived, "completed", patch);
  }

  async recover(left: Job): Promise<Job | undefined> {
    const { threads, clock, baseUrl } = this.#context;
    if (left.state === "queued") {
      const late = tooLateToSend(left, clock.now());
      if (!late && left.baseUrl === baseUrl) return left;
      const message =
        "It was recorded but not sent when the server stopped, and it was for another base URL.";
      await this.#end(left, "cancelled", late ?? new AppError("cancelled", message));
      return undefined;
    }
    const turn = await this.#surely(left, () => threads.turn(left.owner, left.jobId));
    const { answer, reasoning } = await this.#surely(left, () =>
      threads.said(left.owner, left.jobId),
    );
    const arrived = answer !== "" || reasoning !== "";
    if (turn && (turn.outcome || arrived)) {
      return this.#arrive(left, turn.outcome ?? { brokeOff: STOPPED });
    }
    const message = "The server stopped before anything of the answer had come.";
    await this.#end(left, "unknown", new AppError("outcome_unknown", message));
    return undefined;
  }

  async restore(completed: WholeJob): Promise<WholeJob> {
    return restoreAnswer(this.#context, completed);
  }

  /** @throws {invalid_input | storage} */
  async withFile(completed: WholeJob): Promise<WholeJob> {
    return withAnswerFile(this.#context, completed);
  }

  async withdrawn({ owner, jobId }: Job): Promise<void> {
    const { threads, clock, log } = this.#context;
    await threads
      .finish(owner, jobId, undefined, clock.now())
      // The next start does it.
      .catch((error: unknown) => log.error({ job: jobId, err: error }, "a turn is not ended"));
  }

  /** Nobody else can go on with an answer that is coming here. */
  keepOnly(): void {}

  /** Answers that are coming may go on for a moment; see {@link Asking}. */
  stop(): string[] {
    return [];
  }

  /** What a turn's tokens cost by the prices of today; `undefined` where that is not told. */
  async #costOf(arrived: Job): Promise<number | undefined> {
    const { threads, client } = this.#context;
    const { owner, jobId } = arrived;
    const turn = await this.#surely(arrived, () => threads.turn(owner, jobId));
    if (!turn?.outcome) return undefined;
    const context = { ...this.#context, mayAsk: true };
    const prices = await pricesOf(client.of(owner), turn.request, context);
    return prices && costUsd(prices, turn.outcome);
  }

  /** Ends a turn that nobody wants any more, with what has come of its answer. */
  async #stopped({ job, outcome, answer }: Asked): Promise<Job> {
    if (answer.characters > 0) return this.#arrive(job, { ...answer.facts, brokeOff: CANCELLED });
    const message =
      outcome.kind === "not_taken"
        ? "Cancelled before anything was taken."
        : "It was stopped before anything of the answer had come; its question may count there.";
    return this.#end(job, "cancelled", new AppError("cancelled", message));
  }

  async #settle({ job, outcome, answer }: Asked): Promise<Job> {
    const { facts } = answer;
    switch (outcome.kind) {
      case "ended":
        return this.#arrive(job, outcome.marked ? facts : { ...facts, unmarked: true });
      case "cut":
        if (answer.characters > 0) {
          return this.#arrive(job, { ...facts, brokeOff: outcome.error.message });
        }
    }
    const isOpen =
      outcome.kind === "uncertain" ||
      (outcome.kind === "cut" && outcome.error.code === "outcome_unknown");
    return this.#end(job, isOpen ? "unknown" : "failed", outcome.error);
  }

  /** Ends a turn that has an answer. @returns its job, which has that to collect. */
  async #arrive(job: Job, outcome: TurnOutcome): Promise<Job> {
    await this.#finish(job, outcome);
    if (job.state === "downloading") return job;
    return (await moveSurely(this.#context, job, "downloading", {})) ?? job;
  }

  async #end(job: Job, state: JobState, error: AppError): Promise<Job> {
    await this.#finish(job, undefined);
    const charge = state === "unknown" ? ("uncertain" as const) : ("none" as const);
    const patch = { charge, error: errorOf(error), completedAt: this.#context.clock.now() };
    return (await moveSurely(this.#context, job, state, patch)) ?? job;
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
