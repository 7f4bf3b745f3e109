import type { RequestId } from "@modelcontextprotocol/server";
import * as z from "zod";

/** On this one a client hears news that belongs to none of its requests; so the library calls it. */
export const NEWS_STREAM = "_GET_stream";

const MOST_CHARACTERS = 1_024;

/** Where a client has come to on one of its streams, and what it waits for there. */
export interface EventPlace {
  stream: string;
  number: number;
  /** The process that writes the stream. */
  writer: string;
  /** The requests that are answered on the stream; empty where they are too many to be named. */
  asked: readonly RequestId[];
  /** Whether nothing comes after it. */
  isEnd: boolean;
}

const place = z.tuple([
  z.string().min(1).max(64),
  z.int().min(0),
  z.string().min(1).max(64),
  z.array(z.union([z.string(), z.number()])),
  z.boolean(),
]);

/** The id of an event: all that another process has to know to go on from there. */
export function eventIdOf({ stream, number, writer, asked, isEnd }: EventPlace): string {
  const written = (ids: readonly RequestId[]) =>
    Buffer.from(JSON.stringify([stream, number, writer, ids, isEnd])).toString("base64url");
  const id = written(asked);
  return id.length > MOST_CHARACTERS ? written([]) : id;
}

/** @returns `undefined` for what is no id of ours. */
export function readEventId(eventId: string): EventPlace | undefined {
  if (eventId.length > MOST_CHARACTERS) return undefined;
  try {
    const text = Buffer.from(eventId, "base64url").toString("utf8");
    const [stream, number, writer, asked, isEnd] = place.parse(JSON.parse(text));
    return { stream, number, writer, asked, isEnd };
  } catch {
    return undefined;
  }
}
