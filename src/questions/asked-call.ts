import { onAbort } from "../core/aborting.ts";
import { type Clock, DAY_MS, delay } from "../core/clock.ts";
import { AppError } from "../core/errors.ts";
import { randomToken } from "../core/ids.ts";
import type { Asking, Question } from "../core/question.ts";
import type { Agreements } from "./agreements.ts";
import { exactCall, type NamedCall, wantedBy, wantsAnother } from "./call-identity.ts";
import type { ForAWhile } from "./for-a-while.ts";
import { formOf, type Reply, readReply } from "./form.ts";
import { judged, refused, unanswered } from "./judging.ts";
import type { OpenQuestions, Verdict } from "./open-questions.ts";
import type { QuestionRecord } from "./question-record.ts";
import type { QuestionState, SignedStates } from "./signed-state.ts";
import type { BetweenCalls, Way, WithinCall } from "./way.ts";

/** A place to read, one to save in, and a price: more than any call has. */
const MOST_QUESTIONS = 8;
/** How long a call waits for what another call's client asks, of which nothing may ever come. */
const OTHERS_ANSWER_MS = 20_000;
/** What comes back later was not asked: its answer may have been forgotten that has come before. */
const OLDEST_MS = DAY_MS;
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
  record: () => Promise<QuestionRecord>;
  turnedDown: ForAWhile;
  offered: ForAWhile;
}

/**
 * What became of asking; `sent`: the answer to the call is the question, `passed`: the call goes on
 * without it.
 */
export type Asked = Exclude<Verdict, { kind: "ended" }> | { kind: "sent" | "passed" };

/** One call whose user can be asked, and what they have agreed to within it. */
export class AskedCall {
  readonly #call: CallToAsk;
  readonly #way: Way;
  readonly #context: AskingContext;
  readonly #exact: string;
  readonly #wanted: string;
  readonly #agreed: Map<string, string>;
  readonly #passed = new Map<string, string>();
  /** The question that was sent away, and has come back with this call. */
  #returned: QuestionState | undefined;
  readonly #startedAt: number;
  #asked = 0;

  private constructor(
    call: CallToAsk,
    way: Way,
    context: AskingContext,
    returned: QuestionState | undefined,
  ) {
    this.#call = call;
    this.#way = way;
    this.#context = context;
    this.#exact = exactCall(call);
    this.#wanted = wantedBy(call);
    this.#startedAt = context.clock.now();
    this.#returned = returned;
    this.#agreed = new Map(returned?.agreed ?? []);
  }

  /** @throws {storage} when nobody can say whether what comes back was used before */
  static async begin(call: CallToAsk, way: Way, context: AskingContext): Promise<AskedCall> {
    const returned = way.kind === "between" ? await takeBack(call, way, context) : undefined;
    return new AskedCall(call, way, context, returned);
  }

  /** Runs the call with what was agreed to so far. */
  run<T>(run: (asking: Asking) => Promise<T>): Promise<T> {
    const { agreements, turnedDown } = this.#context;
    const agreed = new Map(this.#agreed);
    const passed = new Map(this.#passed);
    const awaited = this.#returned?.asked;
    const asking = { agreed, passed, awaited, insists: turnedDown.has(this.#wanted) };
    return agreements.during(agreed, () => run(asking));
  }

  /**
   * Asks the user. Only what they accept is agreed to, and only as long as the call lasts. Of what
   * is only offered nobody is asked again soon.
   * @throws {cancelled} when the call is over before there is an answer
   */
  async ask(question: Question): Promise<Asked> {
    if (this.#agreed.has(question.key) || ++this.#asked > MOST_QUESTIONS) {
      return { kind: "refused", said: "The user has agreed, and it is refused all the same." };
    }
    if (question.isOffer && !this.#mayOffer(question)) return this.#pass(question, "");
    const asked =
      this.#way.kind === "within"
        ? await this.#askWithin(question, this.#way)
        : await this.#askBetween(question, this.#way);
    if (asked.kind === "sent") return asked;
    if (this.#call.signal.aborted) throw over();
    const { turnedDown, keep } = this.#context;
    if (asked.kind === "refused" && question.isOffer) return this.#pass(question, asked.said);
    // What an offer came to says nothing of what the call wants.
    const isPurchase = question.isAboutMoney && !question.isOffer;
    if (asked.kind === "accepted") {
      this.#agreed.set(question.key, asked.chosen);
      if (isPurchase) turnedDown.delete(this.#wanted);
      await keep(question.key, asked.chosen);
    } else if (isPurchase) {
      turnedDown.add(this.#wanted);
    }
    return asked;
  }

  /** Whether it is time to ask, or this call brings the answer; it is asked then. */
  #mayOffer({ key }: Question): boolean {
    if (this.#passed.has(key)) return false;
    if (this.#returned?.asked === key) return true;
    const { offered } = this.#context;
    const name = `${this.#call.owner} ${key}`;
    if (offered.has(name)) return false;
    offered.add(name);
    return true;
  }

  #pass({ key }: Question, said: string): Asked {
    if (!this.#passed.has(key)) this.#passed.set(key, said);
    return { kind: "passed" };
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
      askedAt: clock.now(),
      asked: question.key,
      agreed: [...this.#agreed],
    };
    const requestState = await states.seal(state, this.#exact);
    way.send({
      resultType: "input_required",
      inputRequests: { [NAME]: { method: "elicitation/create", params: formOf(question) } },
      requestState,
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

/** What was sealed for this very call and was not used before, in whatever process that was. */
async function takeBack(
  call: CallToAsk,
  { state }: BetweenCalls,
  { states, record, clock, waitMs }: AskingContext,
): Promise<QuestionState | undefined> {
  if (state === undefined) return undefined;
  const opened = await states.open(state, exactCall(call));
  const now = clock.now();
  if (!opened || now - opened.askedAt > OLDEST_MS) return undefined;
  // A little longer than it is taken back, since clocks of machines differ.
  const until = opened.askedAt + 2 * OLDEST_MS;
  if (!(await (await record()).use(opened.nonce, until, now))) return undefined;
  // What was agreed to so long ago is not agreed to any more.
  return now - opened.askedAt > waitMs ? { ...opened, agreed: [] } : opened;
}

function over(): AppError {
  return new AppError("cancelled", "The call was over before the user had answered.", {
    next: "Nothing was sent; call again if it is still wanted.",
  });
}
