import { expect } from "vitest";
import { argumentReader } from "../../src/arguments/reader.ts";
import { AppError } from "../../src/core/errors.ts";
import { createRedact } from "../../src/core/redact.ts";
import { operationNamed } from "../../src/models/catalogue.ts";
import type { AnyOperation, Prepared } from "../../src/models/operation.ts";

export function operation(name: string): AnyOperation {
  const found = operationNamed(name);
  if (!found) throw new AppError("internal", `There is no operation ${name}.`);
  return found;
}

/** An operation's own arguments, in the normal form that its tool gives on. */
function readArguments({ name, input }: AnyOperation, args: unknown): Record<string, unknown> {
  return argumentReader(name, input, { mayBeLocal: false, isRemote: false }, createRedact([]))(args)
    .values;
}

export function prepare(name: string, args: Record<string, unknown>): Prepared {
  const found = operation(name);
  return found.prepare(readArguments(found, args));
}

/** The request body as it travels: what JSON leaves of it. */
export function wire(name: string, args: Record<string, unknown>): unknown {
  return JSON.parse(JSON.stringify(prepare(name, args).wire));
}

/** What an assistant is told about wrong arguments. */
export function refusal(name: string, args: Record<string, unknown>): string {
  try {
    readArguments(operation(name), args);
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    expect(error.code).toBe("invalid_input");
    return error.message;
  }
  return expect.fail(`${name} took ${JSON.stringify(args)}`);
}
