import { describe, expect, it } from "vitest";
import { Lazy } from "../../src/core/lazy.ts";
import { LOCAL_CALLER } from "../../src/core/owner.ts";
import type { WholeJob } from "../../src/jobs/job.ts";
import type { WaitOptions } from "../../src/jobs/waiting.ts";
import type { Call, Services } from "../../src/tools/services.ts";
import { createTools } from "../../src/tools/tool-list.ts";
import { Waits } from "../../src/tools/waits.ts";
import { FakeClock } from "../support/fake-clock.ts";
import { CAT, leftJob } from "../support/rig.ts";
import { idleToolDeps } from "../support/tool-deps.ts";

const job: WholeJob = leftJob({ baseUrl: "https://gateway.example", state: "running" });

/** How long a call waits for its job, when starting it has taken `startingMs` already. */
async function waited(name: string, args: Record<string, unknown>, startingMs: number) {
  const deps = idleToolDeps();
  const clock = new FakeClock();
  const waits: number[] = [];
  const started = async () => {
    clock.sleep(startingMs);
    return { job, isDuplicate: false };
  };
  const services = {
    delegate: { live: () => undefined },
    waits: new Waits(1),
    jobs: {
      start: started,
      wait: async (_: unknown, { ms }: WaitOptions) => {
        waits.push(ms);
        return job;
      },
      heldUpBy: () => undefined,
      usualMs: async () => undefined,
      untold: { of: async () => [], noneSince: () => 1 },
    },
  } as unknown as Services;
  const settings = { ...deps.settings, apiKey: "key-0123456789", chatApiKey: "key-0123456789" };
  const tools = createTools({ ...deps, clock, settings, services: new Lazy(async () => services) });
  const call: Call = {
    caller: LOCAL_CALLER,
    signal: new AbortController().signal,
    onDelivered: () => {},
    progress: () => {},
  };
  await tools.find((tool) => tool.name === name)?.call(args, call);
  return waits;
}

describe.each([
  ["longcat_image_generate", CAT],
  ["longcat_chat", { prompt: "What is it?" }],
])("%s: wait_seconds", (name, args) => {
  it.each([
    ["is for waiting where starting takes no time", 20, 0, 20_000],
    ["holds what starting has taken already", 20, 12_500, 7_500],
    ["leaves nothing where starting took longer", 20, 60_000, 0],
  ])("%s", async (_, wait_seconds, startingMs, expected) => {
    expect(await waited(name, { ...args, wait_seconds }, startingMs)).toEqual([expected]);
  });

  it("by default holds it as well", async () => {
    expect(await waited(name, args, 10_000)).toEqual([15_000]);
  });
});
