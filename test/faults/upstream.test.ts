import { afterEach, beforeEach, expect, test } from "vitest";
import type { Fault } from "../../src/sandbox/sandbox-server.ts";
import { finished, jobIdOf, textOf } from "../e2e/answers.ts";
import { Bench } from "../e2e/harness.ts";
import { allEnded, verify } from "./witness.ts";

const BOAT = { prompt: "A small boat at sea", image_size: "landscape_4_3" };

let bench: Bench;

beforeEach(async () => {
  bench = await Bench.open();
});

afterEach(() => bench.close());

const look = { path: "/v2/requests" };
const media = { path: "/v1/longcat-image-498_" };

test.each<[string, Fault]>([
  ["a status that goes backwards", { kind: "status-goes-backwards" }],
  ["a status that nobody documented", { kind: "unknown-status", status: "THINKING" }],
  ["a page in place of a status", { kind: "not-json", match: look, times: 2 }],
  ["an empty status", { kind: "empty-body", match: look, times: 2 }],
  ["a status that breaks off", { kind: "truncate", match: look, times: 2 }],
  ["a look that is reset", { kind: "reset-before", match: look, times: 2 }],
  ["looks that are refused for a while", { kind: "status", status: 503, match: look, times: 2 }],
  ["looks that are too many", { kind: "status", status: 429, match: look, times: 2 }],
  ["a file that breaks off", { kind: "media-truncate", times: 2 }],
  ["a file that is not there yet", { kind: "media-status", status: 404, times: 2 }],
  ["a file that is reset", { kind: "reset-before", match: media, times: 2 }],
])("%s delays a job and changes nothing else", async (_, fault) => {
  bench.sandbox.faults.add(fault);
  const { client } = await bench.connect("client 2.x");
  const started = await client.call("longcat_image_generate", { ...BOAT, wait_seconds: 0 });
  expect(textOf(await finished(client, jobIdOf(started)))).toMatch(/ completed in /);
  expect(await verify(bench, await allEnded(client))).toMatchObject({ completed: 1, charges: 1 });
});

test.each<[string, Fault]>([
  ["a reset", { kind: "reset-after", match: { method: "POST" } }],
  ["a server error", { kind: "status", status: 500, match: { method: "POST" } }],
  ["a page", { kind: "not-json", match: { method: "POST" } }],
  ["an answer that breaks off", { kind: "truncate", match: { method: "POST" } }],
  ["an empty answer", { kind: "empty-body", match: { method: "POST" } }],
  ["a redirect", { kind: "redirect", location: "/elsewhere", match: { method: "POST" } }],
])("a purchase answered by %s is in doubt, and sent once", async (_, fault) => {
  bench.sandbox.faults.add(fault);
  const { client } = await bench.connect("sdk 1.x");
  const result = await client.call("longcat_image_generate", BOAT);
  expect(textOf(result)).toMatch(/ unknown: /);
  await client.call("longcat_image_generate", BOAT);
  expect(await verify(bench, await allEnded(client))).toMatchObject({ completed: 0, unknown: 1 });
  expect(bench.posts).toBe(1);
});
