import { isLoopbackHost } from "../core/host-addresses.ts";
import { timeScaleOf } from "../models/limits.ts";
import type { Settings } from "../settings/settings.ts";

/** A provider that lives inside this process. */
export interface BuiltInProvider {
  origin: string;
  /** How many times faster than the real one it works. */
  timesFaster: number;
  close(): Promise<void>;
}

/** Whom requests go to. */
export interface Provider {
  baseUrl: string;
  legacyBaseUrl: string;
  chatBaseUrl: string;
  isBuiltIn: boolean;
  /** It is on this machine, and reaches what only this machine sees. */
  isNear: boolean;
  /** Files are fetched from these although they are on this machine. */
  trustedOrigins: readonly string[];
  /** Of waits for its jobs, and of those for its answers: 1 for the real one, less for a faster one. */
  timeScale: { jobs: number; chat: number };
  close(): Promise<void>;
}

/** The provider of the settings, or the one that lives in this process. */
export async function openProvider(
  settings: Settings,
  startSandbox: (speed: number) => Promise<BuiltInProvider>,
): Promise<Provider> {
  const builtIn = settings.sandbox ? await startSandbox(settings.sandboxSpeed) : undefined;
  const baseUrl = builtIn?.origin ?? settings.baseUrl;
  const legacyBaseUrl = builtIn?.origin ?? settings.legacyBaseUrl;
  const chatBaseUrl = builtIn?.origin ?? settings.chatBaseUrl;
  const scaleOf = (url: string) =>
    builtIn ? 1 / builtIn.timesFaster : timeScaleOf(url, settings.pollFloorMs);
  return {
    ...{ baseUrl, legacyBaseUrl, chatBaseUrl },
    isBuiltIn: builtIn !== undefined,
    isNear: isLoopbackHost(new URL(baseUrl).hostname),
    trustedOrigins: [baseUrl, legacyBaseUrl]
      .map((url) => new URL(url))
      .filter((url) => isLoopbackHost(url.hostname))
      .map((url) => url.origin),
    timeScale: { jobs: scaleOf(baseUrl), chat: scaleOf(chatBaseUrl) },
    close: async () => builtIn?.close(),
  };
}
