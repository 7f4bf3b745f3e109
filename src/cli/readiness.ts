import { constants } from "node:fs";
import { access } from "node:fs/promises";
import { atMost, type Clock } from "../core/clock.ts";
import { AppError } from "../core/errors.ts";
import { isSendable, sendableKey } from "../core/service-keys.ts";
import type { Settings } from "../settings/settings.ts";

/** Anybody may ask, as often as they like; the disk is looked at this often. */
export const FRESH_MS = 1_000;
/** What hangs is not ready. */
const LOOK_MS = 3_000;

export const SHUTTING_DOWN = "The server is shutting down.";

export interface ReadinessOptions {
  settings: Pick<
    Settings,
    "apiKey" | "chatApiKey" | "dataDir" | "keysDir" | "mediaBucket" | "sandbox" | "toolsets"
  >;
  /** Asks the store for something. @throws when that cannot be done */
  askStore: () => Promise<unknown>;
  /** Makes sure that a result could be kept. @throws when that cannot be done */
  checkRoom: () => Promise<unknown>;
  stopping: AbortSignal;
  clock: Clock;
}

/**
 * Tells whether the server can do its work: record a job, keep its files, and pay for it. What it
 * says is for everybody, so that no path, no key and nothing of a library is in it.
 */
export class Readiness {
  readonly #options: ReadinessOptions;
  #known: { at: number; reasons: Promise<readonly string[]> } | undefined;

  constructor(options: ReadinessOptions) {
    this.#options = options;
  }

  /** @returns what is wrong, a sentence each. */
  async reasons(): Promise<readonly string[]> {
    const { stopping, clock } = this.#options;
    if (stopping.aborted) return [SHUTTING_DOWN];
    const now = clock.elapsed();
    if (!this.#known || now - this.#known.at >= FRESH_MS) {
      this.#known = { at: now, reasons: this.#look() };
    }
    return this.#known.reasons;
  }

  async #look(): Promise<readonly string[]> {
    const { settings, askStore, checkRoom } = this.#options;
    const noRoom = (error: unknown) => {
      if (!settings.mediaBucket) return "The output folder cannot be written, or its disk is full.";
      return error instanceof AppError && error.code === "configuration"
        ? "The bucket for files is not there, or does not take the keys."
        : "The bucket for files cannot be reached or answers with errors, or the disk is full.";
    };
    const all = await Promise.all([
      this.#unless("The job database cannot be used.", askStore),
      this.#unless("The data folder cannot be written.", () =>
        access(settings.dataDir, constants.R_OK | constants.W_OK | constants.X_OK),
      ),
      this.#unless(noRoom, checkRoom),
      this.#unless("There is no API key that can be used.", () => requireAnyKey(settings)),
    ]);
    return all.flat();
  }

  /** @param reason what is said where it does not work, or not in time. */
  async #unless(
    reason: string | ((error: unknown) => string),
    work: () => Promise<unknown>,
  ): Promise<string[]> {
    let isWell = false;
    const looked = work().then(() => {
      isWell = true;
    });
    const error = await atMost(this.#options.clock, LOOK_MS, looked).catch(
      (thrown: unknown) => thrown,
    );
    if (isWell) return [];
    return [typeof reason === "string" ? reason : reason(error)];
  }
}

/**
 * One of the keys is enough: whoever draws only, or chats only, needs no other. Where every user has
 * their own, it is the folder with them that must be there.
 */
async function requireAnyKey(settings: ReadinessOptions["settings"]): Promise<void> {
  const { sandbox, toolsets, keysDir, apiKey, chatApiKey } = settings;
  if (sandbox) return;
  if (keysDir !== undefined) return access(keysDir, constants.R_OK | constants.X_OK);
  if (toolsets.includes("images") && isSendable(apiKey)) return;
  sendableKey("chatApiKey", toolsets.includes("chat") ? chatApiKey : undefined);
}
