/** What the person at the other end can be asked, so that a call goes on that is refused without. */
export interface Question {
  /** What an accept is given for: another amount, another file or another path is another key. */
  key: string;
  /** All that has to be known for an answer, in a few lines; what is foreign in it is cleaned. */
  text: string;
  /** Whether money depends on it: an accept that no person can have given in time is none. */
  isAboutMoney: boolean;
  choice?: Choice;
  /**
   * Whether the call goes on without an accept as well. Such a question is asked once in a while and
   * not in every call, and whatever is no accept changes nothing.
   */
  isOffer?: boolean;
}

/** What has to be chosen with an accept. */
export interface Choice {
  /** The field's name, for whoever reads the form. */
  title: string;
  values: readonly string[];
  /** What holds where nothing is chosen; without it, an accept without a choice is none. */
  preset?: string;
}

/** What was agreed to: the keys of questions, each with what was chosen ("" where nothing was). */
export type Agreed = ReadonlyMap<string, string>;

/** What a call knows of its person's answers. Where it is absent, nobody can be asked. */
export interface Asking {
  agreed: Agreed;
  /** What came of offers that were not taken up, by their keys: a sentence, or "" for one not asked now. */
  passed: ReadonlyMap<string, string>;
  /** The key of the question whose answer the call has come back with, until that is read. */
  awaited?: string | undefined;
  /** Whether the same purchase was turned down a moment ago: then it is asked for at any price. */
  insists: boolean;
}
