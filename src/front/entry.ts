#!/usr/bin/env node
import { fstatSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { requireDataDir } from "../cli/data-folder.ts";
import { systemClock } from "../core/clock.ts";
import { SANDBOX_FOLDER } from "../core/folder-names.ts";
import { refuseMoved } from "../core/moved-mark.ts";
import { defaultDataDir, expandFolder, homeOf } from "../settings/folders.ts";
import type { BegunConversation } from "../transports/begun-conversation.ts";
import { Front } from "./front.ts";
import { loadProgram } from "./load-program.ts";
import type { Prepared } from "./prepared.ts";
import { Stdin } from "./stdin.ts";
import { Stdout } from "./stdout.ts";
import { type Place, placeOfCode, plainly } from "./surely.ts";
import { holdersIn } from "./unfinished.ts";

/*
 * Where the program begins. A host starts it with every session, and most sessions only ask what
 * tools there are: that is answered here from prepared bytes, and the program itself is loaded at
 * the first message that wants it.
 */

const STDIN = 0;

function start(): void {
  const words = process.argv.slice(2);
  const set = plainly(process.env, words);
  const dataDir = set && dataDirOf(set);
  const run = (begun?: BegunConversation) => {
    const ofCode = placeOfCode(process.env, words);
    loadProgram(ofCode && dataDirOf(ofCode)).run(begun);
  };
  const prepared = dataDir !== undefined && canBegin(dataDir) ? readPrepared() : undefined;
  if (dataDir === undefined || prepared === undefined) {
    run();
    return;
  }
  const hasWork = holdersIn(dataDir)?.length !== 0;
  const looksForWork = async () => (await import("./orphans.ts")).hasOrphans(dataDir);
  const stdout = new Stdout();
  new Front({
    prepared,
    openInput: (listener) => new Stdin(listener),
    write: (text) => stdout.write(text),
    clock: systemClock,
    hasWork,
    looksForWork,
    handOver: run,
  }).start();
}

/** @returns `undefined` where this machine cannot say: the program tells why. */
function dataDirOf({ dataDir, sandbox }: Place): string | undefined {
  const { env, platform } = process;
  try {
    const homeDir = homeOf(env);
    const root = dataDir
      ? expandFolder(dataDir, homeDir, process.cwd())
      : defaultDataDir(platform, env, homeDir);
    return sandbox ? join(root, SANDBOX_FOLDER) : root;
  } catch {
    return undefined;
  }
}

/** Whether the program would begin to listen; if not, it says itself why. */
function canBegin(dataDir: string): boolean {
  try {
    requireDataDir(dataDir);
    refuseMoved(dataDir);
    return !fstatSync(STDIN).isCharacterDevice();
  } catch {
    return false;
  }
}

function readPrepared(): Prepared | undefined {
  try {
    return JSON.parse(readFileSync(join(__dirname, "prepared.json"), "utf8"));
  } catch {
    return undefined;
  }
}

start();
