import { afterEach, beforeEach, expect, test } from "vitest";
import { finished, jobIdOf } from "./answers.ts";
import { Bench, closeInspected, PATIENTLY, TRANSPORTS } from "./harness.ts";
import { describeCalls, describeRestarts, TURBO, testEvents } from "./lives.ts";
import { CLIENTS } from "./mcp-client.ts";

let bench: Bench;

beforeEach(async () => {
  bench = await Bench.open();
});

afterEach(() => closeInspected(bench));

for (const kind of CLIENTS) {
  for (const transport of TRANSPORTS) describeCalls(() => bench, kind, transport);
  describeRestarts(() => bench, kind);
}
testEvents(() => bench, "sdk 1.x", "stdio");
for (const transport of TRANSPORTS) testEvents(() => bench, "client 2.x", transport);

test.each(["stdio", "http"] as const)(
  "events about a job of one program reach who listens to another one over %s",
  async (transport) => {
    const owner = await bench.connect("sdk 1.x");
    const listener = await bench.connect("client 2.x", transport);
    bench.sandbox.faults.add({ kind: "slow", ms: 1_500, match: { path: "/v2/requests" } });
    const started = await owner.client.call("z_image_turbo_generate", {
      ...TURBO,
      wait_seconds: 0,
    });
    const jobId = jobIdOf(started);
    const events: string[] = [];
    await listener.client.watch(`longcat://jobs/${jobId}`, (one) => events.push(one));
    await finished(owner.client, jobId);
    await expect.poll(() => events, PATIENTLY).toContain(`updated longcat://jobs/${jobId}`);
  },
);
