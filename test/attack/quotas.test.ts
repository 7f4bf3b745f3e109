import { readdir } from "node:fs/promises";
import { expect, it, onTestFinished } from "vitest";
import { FAR, openSharedHouse } from "../support/shared-house.ts";

const CAT = { prompt: "A cat", image_size: "square_1_1", wait_seconds: 45 };

it("who has too much uploads nothing more and buys nothing more, but what is paid for is kept", async () => {
  const house = await openSharedHouse({ LONGCAT_MCP_KEPT_BYTES_PER_USER: "100" });
  onTestFinished(() => house.close());
  const [eve, bob] = [await house.old(`${FAR}eve`), await house.old(`${FAR}bob`)];
  const ask = async (name: string, args: Record<string, unknown>, client = eve) =>
    JSON.stringify(await client.callTool({ name, arguments: args }));
  const address = async (client = eve) =>
    /http:\/\/127\.0\.0\.1:\d+\/uploads\/[a-z2-7]{26}/.exec(
      await ask("upload_link", {}, client),
    )?.[0] ?? "";
  const put = async (url: string, bytes: number) => {
    const reply = await fetch(url, { method: "PUT", body: "a".repeat(bytes) });
    return [reply.status, await reply.text()];
  };
  const received = [201, expect.stringContaining("Received")];
  const full = [507, "There is no room for it.\n"];

  expect(await put(await address(), 50)).toEqual(received);
  const second = await address();
  expect(await put(second, 60)).toEqual(full);
  expect((await fetch(second)).status).toBe(200);
  // Of several at a time as many are taken as there is room for.
  const several = await Promise.all([1, 2, 3, 4].map(() => address()));
  const came = await Promise.all(several.map((url) => put(url, 20)));
  expect(came.map(([status]) => status).sort()).toEqual([201, 201, 507, 507]);
  expect(await put(await address(bob), 90)).toEqual(received);

  // Its file is larger than all that may be kept: it was paid for.
  const bought = await ask("longcat_image_generate", CAT);
  expect(bought).toContain("completed in");
  const link = /http:\/\/127\.0\.0\.1:\d+\/media\/[\w.-]+/.exec(bought)?.[0] ?? "";
  expect((await (await fetch(link)).arrayBuffer()).byteLength).toBeGreaterThan(100);

  const spent = await ask("spending", {});
  const refused = await ask("longcat_image_generate", { ...CAT, prompt: "Another cat" });
  expect(refused).toContain("LONGCAT_MCP_KEPT_BYTES_PER_USER");
  expect(refused).toContain("Nothing was sent");
  expect(await ask("spending", {})).toBe(spent);
  expect(await put(second, 1)).toEqual(full);
  expect(await ask("longcat_image_generate", CAT, bob)).toContain("completed in");

  const jobId = /job_[a-z2-7]{26}/.exec(bought)?.[0] ?? "";
  await ask("job_delete", { job_id: jobId, files: true });
  expect(await put(second, 1)).toEqual(received);
  const kept = await readdir(`${house.dataDir}/uploads`);
  expect(kept.filter((name) => name.endsWith(".txt"))).toHaveLength(5);
});
