import { type Caller, SCOPES } from "./caller.ts";

/**
 * Who calls where nothing tells callers apart: the one user of this machine. Only who receives
 * calls may say so; everything below is told an owner.
 */
export const LOCAL_OWNER = "local";

/** The one user of this machine as a caller. */
export const LOCAL_CALLER: Caller = {
  owner: LOCAL_OWNER,
  scopes: new Set(SCOPES),
  isRemote: false,
};
