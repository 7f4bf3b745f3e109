import type { Question } from "../core/question.ts";
import type { Reply } from "./form.ts";

/** Sooner no person has read a question: an accept of money within it is a program's. */
const FASTEST_PERSON_MS = 300;

/** What an answer is worth. A "no" is one however fast it comes. */
export function judged(question: Question, reply: Reply, tookMs: number, waitMs: number) {
  switch (reply.kind) {
    case "declined":
      // A "no" to what is offered is no answer to what it asks.
      return refused(
        question.isOffer
          ? "The user was asked and did not want to say."
          : "The user was asked and said no.",
      );
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

export function refused(said: string) {
  return { kind: "refused" as const, said };
}

export function unanswered(waitMs: number): string {
  return `The user was asked and did not answer within ${Math.round(waitMs / 1000)} s.`;
}
