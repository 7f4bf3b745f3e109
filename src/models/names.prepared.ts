import { OPERATIONS } from "./catalogue.ts";

/**
 * Names and paths of all operations, for what is loaded at every start: the catalogue itself, with
 * the schemas of all arguments, is not.
 */
export const OPERATION_NAMES: readonly { name: string; path: string }[] = OPERATIONS.map(
  ({ name, path }) => ({ name, path }),
);
