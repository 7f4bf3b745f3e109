import { onAbort } from "../core/aborting.ts";
import { AppError, toAppError } from "../core/errors.ts";
import type { ChatRequest } from "../gateway/chat-body.ts";
import type { ChatOutcome } from "../gateway/chat-outcome.ts";
import { isAskedToStop } from "../jobs/cancelling.ts";
import type { Job } from "../jobs/job.ts";
import { moveSurely, surely } from "../jobs/transitions.ts";
import type { ChatContext } from "./chat-context.ts";
import { CHAT_OPERATION } from "./chat-operation.ts";
import { chatRequest, pastOf } from "./history.ts";
import { LiveAnswer } from "./live-answer.ts";
import type { Turn } from "./thread.ts";

/** What is left for keeping the last words when a turn is cut off because the server ends. */
const KEEPING_MS = 2_000;

/** What a question came to. */
export interface Asked {
  /** As it stands after the platform has begun to answer. */
  job: Job;
  outcome: ChatOutcome;
  answer: LiveAnswer;
  /** Somebody wanted it to stop. */
  wasStopped: boolean;
}

/** Asks the platform and keeps what it says while it comes. */
export class Asking {
  readonly #context: ChatContext;
  readonly #live = new Map<string, LiveAnswer>();

  constructor(context: ChatContext) {
    this.#context = context;
  }

  /** How an answer that is coming to this process stands. */
  live(jobId: string): LiveAnswer | undefined {
    return this.#live.get(jobId);
  }

  /** Asks once. All that has come is on disk when it is over. */
  async ask(submitting: Job, request: ChatRequest): Promise<Asked> {
    const { client, clock, events, log, threads, stopping, patienceMs, timings } = this.#context;
    const { owner, jobId } = submitting;
    let job = submitting;
    const answer = new LiveAnswer({
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
    const release = onAbort(stopping, () => {
      void answer.save();
      clock.schedule(Math.max(0, patienceMs - KEEPING_MS), () => hurry.abort());
    });
    let wasStopped = false;
    const unsubscribe = events.subscribeToJob(submitting, (changed) => {
      if (!isAskedToStop(changed)) return;
      wasStopped = true;
      hurry.abort();
    });
    this.#live.set(jobId, answer);
    const listener = {
      accepted: async () => {
        const patch = { acceptedAt: clock.now(), error: null };
        job = (await moveSurely(this.#context, job, "running", patch)) ?? job;
      },
      delta: answer.take.bind(answer),
    };
    try {
      const ask = () => client.of(owner).chat(request, listener, hurry.signal).catch(notSent);
      const outcome = await timings.time("submit", CHAT_OPERATION, ask, ({ kind }) => kind);
      await surely(this.#context, jobId, () => answer.end());
      return { job, outcome, answer, wasStopped };
    } finally {
      release();
      unsubscribe();
      this.#live.delete(jobId);
    }
  }
}

/** A turn as it is sent, with what its thread has said before. */
export async function requestOf(
  { threads }: ChatContext,
  owner: string,
  turn: Turn,
): Promise<ChatRequest> {
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

/** A missing setting is found before anything is sent; of any other failure nobody can say that. */
function notSent(thrown: unknown): ChatOutcome {
  const error = toAppError(thrown);
  if (error.code === "configuration") return { kind: "refused", error };
  const message = `It is not known whether the request was sent: ${error.message}`;
  return { kind: "uncertain", error: new AppError("outcome_unknown", message, { cause: error }) };
}
