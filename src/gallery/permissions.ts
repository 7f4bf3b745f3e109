import type { Caller } from "../core/caller.ts";
import { mayCall } from "../tools/scopes.ts";

/* Who sees what is decided once for assistants and people: by what their tools may do. */

export function seesThreads(caller: Caller): boolean {
  return mayCall(caller, "chat_threads");
}

export function seesWholeSpending(caller: Caller): boolean {
  return mayCall(caller, "spending");
}
