import type { EventId, EventStore, JSONRPCMessage, StreamId } from "@modelcontextprotocol/server";

/** Enough for what is missed while a connection is made anew. */
const MOST_EVENTS = 256;
/** Pictures are in answers: two of the largest. */
const MOST_CHARACTERS = 4 * 1024 * 1024;

interface Kept {
  streamId: StreamId;
  number: number;
  message: JSONRPCMessage;
  characters: number;
}

/**
 * What a session was told last, for a client whose stream has broken off: it says which event it has
 * heard, and is told those after it.
 */
export class RecentEvents implements EventStore {
  readonly #kept: Kept[] = [];
  #characters = 0;
  #count = 0;

  async storeEvent(streamId: StreamId, message: JSONRPCMessage): Promise<EventId> {
    const number = ++this.#count;
    const characters = JSON.stringify(message).length;
    this.#kept.push({ streamId, number, message, characters });
    this.#characters += characters;
    while (this.#kept.length > MOST_EVENTS || this.#characters > MOST_CHARACTERS) {
      this.#characters -= this.#kept.shift()?.characters ?? 0;
    }
    return `${number}_${streamId}`;
  }

  async getStreamIdForEventId(eventId: EventId): Promise<StreamId | undefined> {
    return parsed(eventId)?.streamId;
  }

  async replayEventsAfter(
    eventId: EventId,
    { send }: { send: (eventId: EventId, message: JSONRPCMessage) => Promise<void> },
  ): Promise<StreamId> {
    const { number: heard, streamId } = parsed(eventId) ?? { number: 0, streamId: "" };
    for (const { number, message, ...kept } of [...this.#kept]) {
      // What opens a stream is an event without a message.
      const isMessage = "jsonrpc" in message;
      if (kept.streamId === streamId && number > heard && isMessage) {
        await send(`${number}_${streamId}`, message);
      }
    }
    return streamId;
  }
}

function parsed(eventId: EventId): { number: number; streamId: StreamId } | undefined {
  const [, number, streamId] = /^(\d{1,15})_(.+)$/.exec(eventId) ?? [];
  return streamId === undefined ? undefined : { number: Number(number), streamId };
}
