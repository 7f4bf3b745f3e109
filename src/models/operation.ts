import type * as z from "zod";

/** What a finished operation delivers. */
export type MediaKind = "images" | "layers" | "weights";

export interface Price {
  /** US dollars as printed by the provider; `null` where none is printed: unknown, not free. */
  usd: number | null;
  per: "generation" | "image" | "run";
  /** The printed line itself. */
  source: string;
}

/** An argument in which a caller names files of any origin; see `fields.picture()`. */
export interface FileField {
  name: string;
  kind: "picture" | "archive";
  /**
   * Whether the provider takes a file's bytes in the request itself: documented, seen but not
   * promised, or not at all. Where it does not, it fetches the file from a public URL.
   */
  dataUris: "documented" | "unpromised" | "no";
  /** Of a training set: the arguments that say what its files need not. */
  training?: { defaultCaption: string; referenceCount: string };
}

/**
 * One operation of the image gateway, as data. An eleventh is one more file like the others and
 * one more line in `catalogue.ts`; nothing outside this folder knows an operation by its name.
 */
export interface Operation<I extends z.ZodObject = z.ZodObject> {
  /** The tool's name. */
  name: string;
  title: string;
  description: string;
  /** Words that people use for it, beside those of title and description. */
  searchHint?: string;
  /** `queued`: 202 and a status to poll. `sync`: the answer carries the picture. */
  kind: "queued" | "sync";
  /** Prefix of the gateway's request ids. Not always the first segment of the path. */
  modelId: string;
  /** Under the gateway's base URL. */
  path: string;
  price: Price;
  /** Wire names and the documented limits, no others. */
  input: I;
  /** Which of the arguments name files. */
  files?: readonly FileField[];
  toWire(input: z.output<I>): Record<string, unknown>;
  /** What the caller should be told about this input although it is accepted. */
  warnings?(input: z.output<I>): string[];
  media: MediaKind;
  pace: { firstPollMs: number; typicalMs: number };
  /** The documented full request, as tool arguments. */
  example: z.input<I>;
  /** The provider's page and section this file was written from. */
  source: string;
}

/** An operation whose input type is erased behind its schema, for code that treats all alike. */
export interface AnyOperation
  extends Omit<Operation, "toWire" | "warnings" | "example" | "input" | "files"> {
  input: z.ZodObject;
  files: readonly FileField[];
  example: Record<string, unknown>;
  /**
   * Gives the request body.
   * @param args in the normal form that every call's arguments are read into; only those of
   *   {@link Operation.input} are looked at.
   * @param resolved what is sent in place of the files that the arguments name, by field.
   */
  prepare(args: Record<string, unknown>, resolved?: ResolvedFiles): Prepared;
}

export type ResolvedFiles = Readonly<Record<string, readonly string[]>>;

/** Arguments after validation, ready to be sent. */
export interface Prepared {
  /** The validated arguments, unset ones absent. */
  input: Record<string, unknown>;
  /** The JSON body of the request, unset fields absent. */
  wire: Record<string, unknown>;
  warnings: string[];
  /** What a duplicate call is recognised by where the body is not: local files by their content. */
  identity?: Record<string, unknown>;
}
