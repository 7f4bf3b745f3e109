/**
 * The arguments of a tool's call on their way through the MCP library, which would check and copy
 * them member by member: of very many, that takes longer than all else together. The one value that
 * it meets instead cannot be made by a client.
 */
class Whole {
  readonly value: object;

  constructor(value: object) {
    this.value = value;
  }
}

/** A message as it was parsed, the arguments of its call as one value; anything else as it is. */
export function withWholeArguments(message: unknown): unknown {
  if (!isObject(message) || !("method" in message) || message.method !== "tools/call") {
    return message;
  }
  const params = "params" in message ? message.params : undefined;
  if (!isObject(params) || !("arguments" in params)) return message;
  const given = params.arguments;
  if (!isObject(given) || Array.isArray(given)) return message;
  return { ...message, params: { ...params, arguments: { whole: new Whole(given) } } };
}

/** The arguments as they were given. */
export function givenArguments(args: unknown): unknown {
  const whole = isObject(args) && "whole" in args ? args.whole : undefined;
  return whole instanceof Whole ? whole.value : args;
}

/**
 * How many values a message has, those in whole arguments not counted.
 * @returns a number that is at least as large as `enough`, once there are so many.
 */
export function countValues(message: unknown, enough: number): number {
  const open = [message];
  let count = 0;
  while (open.length > 0 && count < enough) {
    const value = open.pop();
    if (!isObject(value) || value instanceof Whole) continue;
    const members = Object.values(value);
    count += members.length;
    if (count < enough) open.push(...members);
  }
  return count;
}

function isObject(value: unknown): value is object {
  return typeof value === "object" && value !== null;
}
