import type { Readable } from "node:stream";

/** A message that was answered before the program was there. */
export interface Heard {
  text: string;
  /** The id of a subscription, which lives on; other requests are over. */
  subscription?: string | number;
}

/** A conversation that others have begun on stdin and stdout. */
export interface BegunConversation {
  /** What is still to be read, from its first byte on. */
  stdin: Readable;
  /** What was answered, in order: the program takes note of it and says nothing. */
  heard: readonly Heard[];
}
