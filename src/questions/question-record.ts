/**
 * What questions need that are sent away and come back: the same for all processes of a folder, and
 * there after a restart. All methods throw {storage} when the record cannot be used.
 */
export interface QuestionRecord {
  /** A secret that nobody else has; always the same. */
  secret(): Promise<Buffer>;
  /**
   * Notes that the answer to a question has come, for good when it resolves.
   * @param nonce of the question.
   * @param until when that may be forgotten, in milliseconds since the epoch, as `now` is.
   * @returns whether it is the first: one answer counts once, whoever gets it.
   */
  use(nonce: string, until: number, now: number): Promise<boolean>;
}
