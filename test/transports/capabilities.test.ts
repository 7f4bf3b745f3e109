import { Client } from "@modelcontextprotocol/client";
import { InMemoryTransport } from "@modelcontextprotocol/server";
import { describe, expect, it } from "vitest";
import { LOCAL_CALLER } from "../../src/core/owner.ts";
import { JobEvents } from "../../src/jobs/events.ts";
import { onResourceEvents } from "../../src/resources/resource-events.ts";
import { ServerFactory } from "../../src/server.ts";
import { leftJob, summaryOf } from "../support/rig.ts";
import { idleToolDeps } from "../support/tool-deps.ts";

async function connected(lasting: boolean): Promise<Client> {
  const factory = new ServerFactory({ ...idleToolDeps(), version: "0", events: new JobEvents() });
  const [ours, theirs] = InMemoryTransport.createLinkedPair();
  const connection = {
    caller: LOCAL_CALLER,
    era: "legacy",
    lasting,
    onDelivered: () => {},
  } as const;
  const client = new Client({ name: "test", version: "0" });
  await Promise.all([factory.create(connection).connect(ours), client.connect(theirs)]);
  return client;
}

describe("what a server promises", () => {
  it("is news where a connection lasts", async () => {
    const client = await connected(true);
    const { resources } = client.getServerCapabilities() ?? {};
    expect(resources).toEqual({ subscribe: true, listChanged: true });
    await client.subscribeResource({ uri: "longcat://jobs/job_x" });
    await client.close();
  });

  it("is no news where a request stands alone, and a subscription is refused", async () => {
    const client = await connected(false);
    const { tools, prompts, resources } = client.getServerCapabilities() ?? {};
    for (const promised of [tools, prompts, resources])
      expect(promised).toEqual({ listChanged: false });
    await expect(client.subscribeResource({ uri: "longcat://jobs/job_x" })).rejects.toThrow();
    await client.close();
  });
});

it("a job is news of the list from its first moment on, and no news while it goes on", () => {
  const events = new JobEvents();
  const told: boolean[] = [];
  const stop = onResourceEvents(events, LOCAL_CALLER, (_, isListChanged) =>
    told.push(isListChanged),
  );
  const job = {
    ...summaryOf(leftJob({ owner: LOCAL_CALLER.owner, baseUrl: "https://gateway.example" })),
    media: [],
  };
  events.publish({ ...job, state: "queued" });
  events.publish({ ...job, state: "submitting" });
  events.publish({ ...job, state: "running" });
  stop();
  expect(told).toEqual([true, false, false]);
});
