import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { Script } from "node:vm";
import type { BegunConversation } from "../transports/begun-conversation.ts";
import { CodeCache } from "./code-cache.ts";
import { YoungRoom } from "./young-room.ts";

/** Of the bundle that was built with this front; the build puts it in. */
declare const PROGRAM_DIGEST: string;

export interface Program {
  run(begun?: BegunConversation): void;
}

/** After so long what a start needs has been compiled, in milliseconds. */
const KEEP_AFTER_MS = 1_500;

/**
 * Loads the program, from compiled code where there is some.
 * @param cacheDir a folder of the user's own in which compiled code may be kept
 */
export function loadProgram(cacheDir: string | undefined): Program {
  const path = join(__dirname, "program.cjs");
  // The build has put it into the function that makes a module of it.
  const source = readFileSync(path, "latin1");
  const cache = cacheDir === undefined ? undefined : new CodeCache(cacheDir, PROGRAM_DIGEST);
  const cachedData = cache?.read();
  const script = new Script(source, { filename: path, ...(cachedData ? { cachedData } : {}) });
  const program: { exports: Program } = { exports: { run: () => {} } };
  const room = new YoungRoom();
  const load = createRequire(path);
  const given = Object.assign((id: string) => room.whileCompiled(() => load(id)), load);
  const wrapped = script.runInThisContext();
  wrapped.call(program.exports, program.exports, given, program, path, __dirname);
  // What begins in the same turn still loads parts of Node that nobody asks `require` for.
  setImmediate(() => room.keep(load("node:v8"), optionsOfNode()));
  if (cache && (!cachedData || script.cachedDataRejected)) {
    setTimeout(() => {
      cache.write(room.whileCompiled(() => script.createCachedData()));
    }, KEEP_AFTER_MS).unref();
  }
  return program.exports;
}

function optionsOfNode(): string {
  return [...process.execArgv, process.env["NODE_OPTIONS"] ?? ""].join(" ");
}
