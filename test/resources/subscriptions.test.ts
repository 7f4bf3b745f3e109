import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { InMemoryTransport, McpServer } from "@modelcontextprotocol/server";
import { describe, expect, it } from "vitest";
import { uris } from "../../src/core/uris.ts";
import {
  handleSubscriptions,
  ownSubscriptions,
  type Subscriptions,
} from "../../src/resources/subscriptions.ts";

const URI = uris.job(`job_${"a".repeat(26)}`);

async function connected(subscribed: Subscriptions): Promise<Client> {
  const server = new McpServer(
    { name: "test", version: "1" },
    { capabilities: { resources: { subscribe: true } } },
  );
  handleSubscriptions(server, subscribed);
  const [one, other] = InMemoryTransport.createLinkedPair();
  const client = new Client({ name: "test", version: "1" });
  await Promise.all([server.connect(other), client.connect(one as never)]);
  return client;
}

describe("subscriptions", () => {
  it("are kept until they are taken back", async () => {
    const subscribed = ownSubscriptions();
    const client = await connected(subscribed);
    await client.subscribeResource({ uri: URI });
    expect(subscribed.has(URI)).toBe(true);
    await client.unsubscribeResource({ uri: URI });
    expect(subscribed.has(URI)).toBe(false);
  });

  it("are taken of what there is never news of, and not kept", async () => {
    const subscribed = ownSubscriptions();
    const client = await connected(subscribed);
    for (const uri of ["https://example.com/", "longcat://", `${URI}${" ".repeat(600)}`]) {
      await client.subscribeResource({ uri });
      expect(subscribed.has(uri)).toBe(false);
    }
  });

  it("are refused where there is no room for another, with what to do", async () => {
    const client = await connected({ ...ownSubscriptions(), add: async () => false });
    await expect(client.subscribeResource({ uri: URI })).rejects.toThrow(/unsubscribe/);
  });
});
