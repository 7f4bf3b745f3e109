import { onAbort } from "../core/aborting.ts";
import { type Clock, delay } from "../core/clock.ts";
import { AppError } from "../core/errors.ts";
import { randomToken } from "../core/ids.ts";
import type { Asking, Question } from "../core/question.ts";
import type { Agreements } from "./agreements.ts";
import { exactCall, type NamedCall, wantedBy, wantsAnother } from "./call-identity.ts";
import type { ForAWhile } from "./for-a-while.ts";
import { formOf, type Reply, readReply } from "./form.ts";
import type { OpenQuestions, Verdict } from "./open-questions.ts";
import type { QuestionState, SignedStates } from "./signed-state.ts";
import type { BetweenCalls, Way, WithinCall } from "./way.ts";

/** Sooner no person has read a question: an accept of money within it is a program's. */
const FASTEST_PERSON_MS = 300;
/** A place to read, one to save in, and a price: more than any call has. */
const MOST_QUESTIONS = 8;
/** How long a call waits for what another call's client asks, of which nothing may ever come. */
const OTHERS_ANSWER_MS = 20_000;
const PROGRESS_EVERY_MS = 5_000;
const NAME = "question";

export interface CallToAsk extends NamedCall {
  /** Aborts when nobody waits for the call's answer any more. */
  signal: AbortSignal;
  progress: (message: string) => void;
}

/** What calls that ask share. */
export interface AskingContext {
  clock: Clock;
  waitMs: number;
  keep: (key: string, chosen: string) => Promise<void>;
  agreements: Agreements;
  states: SignedStates;
  open: OpenQuestions;
  used: ForAWhile;
  turnedDown: ForAWhile;
}

/** What became of asking; `sent`: the answer to the call is the question. */
export type Asked = Exclude<Verdict, { kind: "ended" }> | { kind: "sent" };

/** One call whose user can be asked, and what they have agreed to within it. */
export class AskedCall {
  readonly #call: CallToAsk;
  readonly #way: Way;
  readonly #context: AskingContext;
  readonly #exact: string;
  readonly #wanted: string;
  readonly #agreed: Map<string, string>;
  /** The question that was sent away, and has come back with this call. */
  #returned: QuestionState | undefined;
  readonly #startedAt: number;
  #asked = 0;

  constructor(call: CallToAsk, way: Way, context: AskingContext) {
    this.#call = call;
    this.#way = way;
    this.#context = context;
    this.#exact = exactCall(call);
    this.#wanted = wantedBy(call);
    this.#startedAt = context.clock.elapsed();
    this.#returned = way.kind === "between" ? this.#takeBack(way) : undefined;
    this.#agreed = new Map(this.#returned?.agreed ?? []);
  }

  /** Runs the call with what was agreed to so far. */
  run<T>(run: (asking: Asking) => Promise<T>): Promise<T> {
    const { agreements, turnedDown } = this.#context;
    const agreed = new Map(this.#agreed);
    const asking = { agreed, insists: turnedDown.has(this.#wanted) };
    return agreements.during(agreed, () => run(asking));
  }

  /**
   * Asks the user. Only what they accept is agreed to, and only as long as the call lasts.
   * @throws {cancelled} when the call is over before there is an answer
   */
  async ask(question: Question): Promise<Asked> {
    if (this.#agreed.has(question.key) || ++this.#asked > MOST_QUESTIONS) {
      return { kind: "refused", said: "The user has agreed, and it is refused all the same." };
    }
    const asked =
      this.#way.kind === "within"
        ? await this.#askWithin(question, this.#way)
        : await this.#askBetween(question, this.#way);
    if (asked.kind === "sent") return asked;
    if (this.#call.signal.aborted) throw over();
    const { turnedDown, keep } = this.#context;
    if (asked.kind === "accepted") {
      this.#agreed.set(question.key, asked.chosen);
      if (question.isAboutMoney) turnedDown.delete(this.#wanted);
      await keep(question.key, asked.chosen);
    } else if (question.isAboutMoney) {
      turnedDown.add(this.#wanted);
    }
    return asked;
  }

  /** What was sealed for this very call and was not used before. */
  #takeBack({ state }: BetweenCalls): QuestionState | undefined {
    if (state === undefined) return undefined;
    const { states, used, waitMs } = this.#context;
    const opened = states.open(state, this.#exact);
    if (!opened || used.has(opened.nonce)) return undefined;
    used.add(opened.nonce);
    // What was agreed to so long ago is not agreed to any more.
    const isOver = this.#startedAt - opened.askedAt > waitMs;
    return isOver ? { ...opened, agreed: [] } : opened;
  }

  async #askBetween(question: Question, way: BetweenCalls): Promise<Asked> {
    const { clock, states, open, waitMs } = this.#context;
    const name = this.#sharedName(question);
    const returned = this.#returned;
    this.#returned = undefined;
    if (returned?.asked === question.key) {
      const reply = readReply(way.replies[NAME], question);
      const verdict = judged(question, reply, this.#startedAt - returned.askedAt, waitMs);
      if (name !== undefined) open.end(name, verdict);
      return verdict;
    }
    for (let others = this.#others(name); others; others = this.#others(name)) {
      const verdict = await this.#whileTold(others, OTHERS_ANSWER_MS);
      if (!verdict) break;
      if (verdict.kind !== "ended") return verdict;
    }
    if (name !== undefined) open.begin(name, waitMs);
    const state: QuestionState = {
      nonce: randomToken(),
      askedAt: clock.elapsed(),
      asked: question.key,
      agreed: [...this.#agreed],
    };
    way.send({
      resultType: "input_required",
      inputRequests: { [NAME]: { method: "elicitation/create", params: formOf(question) } },
      requestState: states.seal(state, this.#exact),
    });
    return { kind: "sent" };
  }

  async #askWithin(question: Question, way: WithinCall): Promise<Asked> {
    const { open, waitMs } = this.#context;
    const name = this.#sharedName(question);
    for (let others = this.#others(name); others; others = this.#others(name)) {
      const verdict = await this.#whileTold(others, waitMs);
      if (!verdict) break;
      if (verdict.kind !== "ended") return verdict;
    }
    if (name !== undefined) open.begin(name, waitMs);
    let verdict: Verdict = { kind: "ended" };
    try {
      verdict = await this.#send(question, way);
      return verdict;
    } finally {
      if (name !== undefined) open.end(name, verdict);
    }
  }

  /** What the same question of an identical call comes to, if somebody is being asked it. */
  #others(name: string | undefined): Promise<Verdict> | undefined {
    return name === undefined ? undefined : this.#context.open.find(name);
  }

  /** @returns `undefined` once too much time has passed. @throws {cancelled} */
  async #whileTold<T>(work: Promise<T>, mostMs: number): Promise<T | undefined> {
    const { clock } = this.#context;
    const { signal } = this.#call;
    const ending = new AbortController();
    const release = onAbort(signal, () => ending.abort());
    const late = delay(clock, mostMs, ending.signal).then(
      () => undefined,
      () => undefined,
    );
    const callOff = this.#tell();
    try {
      const first = await Promise.race([work, late]);
      if (signal.aborted) throw over();
      return first;
    } finally {
      callOff();
      release();
      ending.abort();
    }
  }

  async #send(question: Question, way: WithinCall): Promise<Exclude<Verdict, { kind: "ended" }>> {
    const { clock, waitMs } = this.#context;
    const leg = new AbortController();
    const askedAt = clock.elapsed();
    // A client that cannot ask has answered as well.
    const answer = way.send(formOf(question), leg.signal).then(
      (sent) => readReply(sent, question),
      (): Reply => ({ kind: "unclear" }),
    );
    try {
      const reply = await this.#whileTold(answer, waitMs);
      return reply
        ? judged(question, reply, clock.elapsed() - askedAt, waitMs)
        : refused(unanswered(waitMs));
    } finally {
      // Whoever still shows it may stop.
      leg.abort();
    }
  }

  /** Says by and by that it is the user who is waited for. */
  #tell(): () => void {
    const { clock } = this.#context;
    let callOff = () => {};
    const tick = () => {
      this.#call.progress("waiting for the user's answer");
      callOff = clock.schedule(PROGRESS_EVERY_MS, tick);
    };
    tick();
    return () => callOff();
  }

  /** Calls that want the same share an answer, but not those that want another one of it. */
  #sharedName({ key }: Question): string | undefined {
    return wantsAnother(this.#call.args) ? undefined : `${this.#exact} ${key}`;
  }
}

/** What an answer is worth. A "no" is one however fast it comes. */
function judged(question: Question, reply: Reply, tookMs: number, waitMs: number) {
  switch (reply.kind) {
    case "declined":
      return refused("The user was asked and said no.");
    case "cancelled":
      return refused("The user was asked and closed the question without an answer.");
    case "unclear":
      return refused("The user could not be asked: the client gave no answer to it.");
    case "accepted":
      if (tookMs > waitMs) return refused(unanswered(waitMs));
      return question.isAboutMoney && tookMs < FASTEST_PERSON_MS
        ? refused(
            `The question was accepted within ${FASTEST_PERSON_MS} ms, faster than a person reads, and so it does not count.`,
          )
        : reply;
  }
}

function refused(said: string) {
  return { kind: "refused" as const, said };
}

function unanswered(waitMs: number): string {
  return `The user was asked and did not answer within ${Math.round(waitMs / 1000)} s.`;
}

function over(): AppError {
  return new AppError("cancelled", "The call was over before the user had answered.", {
    next: "Nothing was sent; call again if it is still wanted.",
  });
}
