import { truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { Client, InMemoryTransport } from "@modelcontextprotocol/client";
import { expect, it, onTestFinished } from "vitest";
import { Lazy } from "../../src/core/lazy.ts";
import { LOCAL_CALLER } from "../../src/core/owner.ts";
import { uris } from "../../src/core/uris.ts";
import { JobEvents } from "../../src/jobs/events.ts";
import type { Medium } from "../../src/jobs/job.ts";
import { DiskStore } from "../../src/media/disk-store.ts";
import { ServerFactory } from "../../src/server.ts";
import type { Services } from "../../src/tools/services.ts";
import { leftJob, OWNER } from "../support/rig.ts";
import { tempDir } from "../support/temp-dir.ts";
import { idleToolDeps } from "../support/tool-deps.ts";

/** What clients on stdio still take: base64 of it stays below the 10 MiB at which they give up. */
const LARGEST_BYTES = 7 * 1024 * 1024;
const DROPPED_BYTES = 10 * 1024 * 1024;

/** Reads the only file of a job, which has that many bytes. */
async function readFileOf(sizeBytes: number) {
  const folder = await tempDir();
  const path = join(folder, "weights.bin");
  await writeFile(path, "");
  await truncate(path, sizeBytes);
  const medium: Medium = {
    index: 1,
    url: "https://cdn.example/weights.bin",
    path,
    mimeType: "application/octet-stream",
    sizeBytes,
    sha256: "ab",
    copies: [],
  };
  const job = leftJob({ baseUrl: "https://gateway.example", state: "completed", media: [medium] });
  const media = new DiskStore({
    outputDir: folder,
    allowedDirs: [folder],
    workingDir: folder,
    homeDir: folder,
    homeOwner: OWNER,
  });
  const services = { jobs: { get: async () => job }, media } as unknown as Services;
  const factory = new ServerFactory({
    ...idleToolDeps(),
    services: new Lazy(async () => services),
    version: "0.0.0",
    events: new JobEvents(),
  });
  const [ours, theirs] = InMemoryTransport.createLinkedPair();
  const server = factory.create({
    era: "legacy",
    lasting: true,
    caller: LOCAL_CALLER,
    onDelivered: () => {},
  });
  const client = new Client({ name: "test", version: "0.0.0" });
  await Promise.all([server.connect(ours), client.connect(theirs)]);
  onTestFinished(() => client.close());
  return { path, reply: client.readResource({ uri: uris.medium(job.jobId, 1) }) };
}

it("a file of 7 MiB is read whole, in a message that clients take", async () => {
  const { contents } = await (await readFileOf(LARGEST_BYTES)).reply;
  const [only] = contents;
  const blob = only && "blob" in only ? only.blob : "";
  expect(Buffer.from(blob, "base64").length).toBe(LARGEST_BYTES);
  expect(JSON.stringify(contents).length).toBeLessThan(DROPPED_BYTES);
});

it("a larger one is refused, with the places where it is", async () => {
  const { path, reply } = await readFileOf(LARGEST_BYTES + 1);
  const refusal: unknown = await reply.catch((error: unknown) => error);
  expect(String(refusal)).toContain(`too large to be read here (${LARGEST_BYTES + 1} bytes)`);
  expect(String(refusal)).toContain(path);
  expect(String(refusal)).toContain("https://cdn.example/weights.bin");
});
