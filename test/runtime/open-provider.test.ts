import { describe, expect, it } from "vitest";
import { openProvider } from "../../src/runtime/open-provider.ts";
import { readSettings } from "../../src/settings/settings.ts";

const settingsOf = (env: Record<string, string>) =>
  readSettings({
    env: { HOME: "/home/somebody", ...env },
    flags: {},
    platform: "linux",
    workingDir: "/tmp",
    readFile: () => "",
  });
const noSandbox = () => expect.fail("nobody has asked for it");

describe("the provider", () => {
  it("is the real one by default: far away, at its own pace, and no file of this machine's", async () => {
    const provider = await openProvider(settingsOf({}), noSandbox);
    expect(provider).toMatchObject({ isNear: false, isBuiltIn: false, trustedOrigins: [] });
    expect(provider.timeScale).toEqual({ jobs: 1, chat: 1 });
    expect(new URL(provider.chatBaseUrl).hostname).not.toBe(new URL(provider.baseUrl).hostname);
    await provider.close();
  });

  it("is the built-in one for everything, whatever addresses are set, and ends with the program", async () => {
    let isClosed = false;
    const elsewhere = "https://gateway.example";
    const settings = settingsOf({
      LONGCAT_MCP_SANDBOX: "1",
      LONGCAT_MCP_SANDBOX_SPEED: "7",
      PIXAZO_BASE_URL: elsewhere,
      LONGCAT_BASE_URL: elsewhere,
    });
    const origin = "http://127.0.0.1:4010";
    const provider = await openProvider(settings, async (speed) => ({
      origin,
      timesFaster: speed,
      close: async () => {
        isClosed = true;
      },
    }));
    const { baseUrl, legacyBaseUrl, chatBaseUrl, timeScale } = provider;
    expect([baseUrl, legacyBaseUrl, chatBaseUrl]).toEqual([origin, origin, origin]);
    expect(timeScale).toEqual({ jobs: 1 / 7, chat: 1 / 7 });
    expect(provider).toMatchObject({ isNear: true, isBuiltIn: true });
    expect(new Set(provider.trustedOrigins)).toEqual(new Set([origin]));
    await provider.close();
    expect(isClosed).toBe(true);
  });

  it("may be on this machine: what it makes is fetched from there, and from nowhere else here", async () => {
    const settings = settingsOf({ PIXAZO_BASE_URL: "http://localhost:9000/gateway" });
    const provider = await openProvider(settings, noSandbox);
    expect(provider).toMatchObject({ isNear: true, isBuiltIn: false });
    expect(provider.trustedOrigins).toEqual(["http://localhost:9000"]);
  });
});
