/*
 * The answers that are the same for everybody, as text. The build asks the program itself for them
 * and keeps what it says; nothing is written by hand.
 */

/** An answer cut where the id of its request stands. */
export type Template = readonly string[];

export interface Prepared {
  /** The modern revision whose envelope is understood. */
  modern: string;
  /** For each revision and method the place of its answer in `answers`. */
  places: Readonly<Record<string, Readonly<Record<string, number>>>>;
  answers: readonly Template[];
  /** What a client that takes tasks for answers is told where others are told what `places` says. */
  discoveredWithTasks: Template;
  /** Which of the lists may be announced as changed: what a subscription is promised. */
  announced: readonly string[];
  /** What acknowledges a subscription; its second cut is where the promised news stand. */
  acknowledged: Template;
  /** How a subscription ends. */
  ended: Template;
}

/** The text of an answer to a request of this id. */
export function answerTo(template: Template, id: string | number): string {
  return template.join(JSON.stringify(id));
}
