import { expect } from "vitest";
import { AppError } from "../../src/core/errors.ts";
import { operationNamed } from "../../src/models/index.ts";
import type { AnyOperation, Prepared } from "../../src/models/operation.ts";

export function operation(name: string): AnyOperation {
  const found = operationNamed(name);
  if (!found) throw new AppError("internal", `There is no operation ${name}.`);
  return found;
}

export function prepare(name: string, args: Record<string, unknown>): Prepared {
  return operation(name).prepare(args);
}

/** The request body as it travels: what JSON leaves of it. */
export function wire(name: string, args: Record<string, unknown>): unknown {
  return JSON.parse(JSON.stringify(prepare(name, args).wire));
}

/** What an assistant is told about wrong arguments. */
export function refusal(name: string, args: Record<string, unknown>): string {
  try {
    operation(name).prepare(args);
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    expect(error.code).toBe("invalid_input");
    return error.message;
  }
  return expect.fail(`${name} took ${JSON.stringify(args)}`);
}
