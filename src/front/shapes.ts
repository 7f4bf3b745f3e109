import { type Fields, isFields } from "../core/json-fields.ts";

/*
 * What may stand in a message that is answered without the MCP library. These shapes are narrower
 * than the library's own, never wider: a message that is not of them is handed to the program,
 * which reads it with the library and says what is wrong with it.
 */

export function isId(value: unknown): value is string | number {
  return typeof value === "string" || Number.isSafeInteger(value);
}

/** Whether an object has no other members than these, each of its shape where it is there. */
export function hasOnly(value: unknown, shape: Readonly<Record<string, Shape>>): value is Fields {
  return (
    isFields(value) &&
    Object.entries(value).every(
      ([name, member]) => Object.hasOwn(shape, name) && shape[name]?.(member) === true,
    )
  );
}

type Shape = (value: unknown) => boolean;

const isText: Shape = (value) => typeof value === "string";
const isSwitch: Shape = (value) => typeof value === "boolean";
/** Objects in objects, and nothing else; deeper ones than any client has are left to the library. */
const isNest: Shape = (value) => isNestOf(value, 8);

function isNestOf(value: unknown, depth: number): boolean {
  const isWithin = (member: unknown) => isNestOf(member, depth - 1);
  return depth > 0 && isFields(value) && Object.values(value).every(isWithin);
}

/** Who calls, as a client says it. */
export const isClientInfo: Shape = (value) =>
  hasOnly(value, {
    name: isText,
    version: isText,
    title: isText,
    websiteUrl: isText,
    description: isText,
  }) &&
  "name" in value &&
  "version" in value;

/** What a client can do. No answer of the front depends on it. */
export const isCapabilities: Shape = (value) =>
  hasOnly(value, {
    experimental: isNest,
    extensions: (all) =>
      isFields(all) && Object.values(all).every((one) => isFields(one) && isListOfTexts(one)),
    sampling: (own) => hasOnly(own, { context: isNest, tools: isNest }),
    elicitation: (own) =>
      hasOnly(own, {
        form: (form) => hasOnly(form, { applyDefaults: isSwitch }),
        url: isNest,
      }),
    roots: (own) => hasOnly(own, { listChanged: isSwitch }),
    tasks: isNest,
  });

/** Members as extensions have them: texts, lists of texts, objects without members. */
function isListOfTexts(extension: Fields): boolean {
  return Object.values(extension).every(
    (value) => isText(value) || isNest(value) || (Array.isArray(value) && value.every(isText)),
  );
}

const isProgressToken: Shape = isId;
const MODERN = "io.modelcontextprotocol/";

/** What a request of the 2025 era says beside its parameters; other programs' words mean nothing. */
export function isPlainMeta(meta: unknown): boolean {
  return (
    isFields(meta) &&
    Object.entries(meta).every(([name, value]) =>
      name === "progressToken" ? isProgressToken(value) : !name.startsWith(MODERN),
    )
  );
}

/** The envelope of a request of revision 2026-07-28. */
export function isEnvelope(meta: unknown, revision: string): boolean {
  return (
    hasOnly(meta, {
      progressToken: isProgressToken,
      [`${MODERN}protocolVersion`]: (value) => value === revision,
      [`${MODERN}clientInfo`]: isClientInfo,
      [`${MODERN}clientCapabilities`]: isCapabilities,
    }) &&
    `${MODERN}protocolVersion` in meta &&
    `${MODERN}clientInfo` in meta &&
    `${MODERN}clientCapabilities` in meta
  );
}

/** Whether a client takes tasks for answers, by which what it is told first depends. */
export function listsTasks(meta: Fields): boolean {
  const own = meta[`${MODERN}clientCapabilities`];
  const extensions = isFields(own) ? own["extensions"] : undefined;
  return isFields(extensions) && `${MODERN}tasks` in extensions;
}

/** Whether a message says of itself which revision it is of, rightly or not. */
export function hasEnvelope(params: unknown): boolean {
  return (
    isFields(params) && isFields(params["_meta"]) && `${MODERN}protocolVersion` in params["_meta"]
  );
}

/** What a client wants to hear of; a list of addresses is the program's business. */
export const isFilter: Shape = (value) =>
  hasOnly(value, {
    toolsListChanged: isSwitch,
    promptsListChanged: isSwitch,
    resourcesListChanged: isSwitch,
  });
