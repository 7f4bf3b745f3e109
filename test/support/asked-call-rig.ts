import { randomBytes } from "node:crypto";
import { AppError } from "../../src/core/errors.ts";
import type { Asking, Question } from "../../src/core/question.ts";
import type { ElicitationForm } from "../../src/questions/form.ts";
import type { QuestionRecord } from "../../src/questions/question-record.ts";
import { Questions } from "../../src/questions/user-questions.ts";
import type { Way } from "../../src/questions/way.ts";
import { whileAsking } from "../../src/questions/while-asking.ts";
import { FakeClock } from "./fake-clock.ts";

export const WAIT_MS = 60_000;
export const MONEY: Question = { key: "buy it $2", text: "Buy it?", isAboutMoney: true };
export const PLACE: Question = {
  key: "read-file /srv/cat.png",
  text: "Read it?",
  isAboutMoney: false,
  choice: { title: "How long", values: ["once", "always"], preset: "once" },
};

/** A record of this process alone. */
export function memoryRecord(): QuestionRecord {
  const secret = randomBytes(32);
  const answered = new Set<string>();
  return {
    secret: async () => secret,
    async use(nonce) {
      const isFirst = !answered.has(nonce);
      answered.add(nonce);
      return isFirst;
    },
  };
}

/**
 * Somebody who is asked, and what was kept and done.
 * @param record shared with other processes, or with this one before it was started again.
 */
export function rig(record = memoryRecord(), clock = new FakeClock()) {
  const kept: string[] = [];
  const questions = new Questions({
    clock,
    waitMs: WAIT_MS,
    keep: async (key, chosen) => {
      kept.push(`${key}: ${chosen}`);
    },
    record: async () => record,
  });
  const forms: ElicitationForm[] = [];
  /** What was done, each time that a run went through. */
  const done: Asking[] = [];
  const progress: string[] = [];

  /** A call that is refused as long as one of its questions has not been agreed to. */
  async function call(
    way: Way,
    wants: readonly Question[] = [MONEY],
    {
      args = { prompt: "A cat" },
      owner = "local",
      tool = "paint",
      signal = none(),
    }: CallOptions = {},
  ) {
    const asked = await questions.of(
      { owner, tool, args, signal, progress: (message) => progress.push(message) },
      way,
    );
    return whileAsking(asked, async (asking) => {
      const open = wants.find(({ key }) => !asking?.agreed.has(key));
      if (open) {
        throw new AppError("over_budget", "It is dear.", { next: "Ask.", question: open });
      }
      if (asking) done.push(asking);
      return "done";
    });
  }
  /** A client that is asked within the call, and answers in so many milliseconds. */
  const within = (answer: unknown, afterMs = 1_000): Way => ({
    kind: "within",
    send: (form, signal) => {
      forms.push(form);
      return new Promise((resolve, reject) => {
        signal.addEventListener("abort", () => reject(new Error("taken back")));
        clock.schedule(afterMs, () => (answer instanceof Error ? reject(answer) : resolve(answer)));
      });
    },
  });
  return { clock, questions, forms, done, kept, progress, call, within };
}

export interface CallOptions {
  args?: Record<string, unknown>;
  owner?: string;
  tool?: string;
  signal?: AbortSignal;
}

export function none(): AbortSignal {
  return new AbortController().signal;
}

export const YES = { action: "accept", content: {} };
