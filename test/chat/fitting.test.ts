import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { chunk, messagesOf, openChatRig, posts, stream, threadOf } from "../support/chat-rig.ts";
import { json, rawServer } from "../support/raw-server.ts";
import { tempDir } from "../support/temp-dir.ts";

describe("more than the model takes", () => {
  const small = async () => {
    const server = await rawServer((hit, response) =>
      hit.method === "GET"
        ? json(response, 200, { id: "m", context_length: 30_000 })
        : stream(response, chunk("x".repeat(60_000))),
    );
    return server;
  };

  it("is refused before anything is sent, naming the biggest files", async () => {
    const server = await small();
    const rig = await openChatRig({ origin: server.origin });
    await writeFile(join(rig.folder, "big.txt"), "a".repeat(100_000));
    await writeFile(join(rig.folder, "bigger.txt"), "b".repeat(200_000));
    await expect(rig.ask("?", { files: ["*.txt"] })).rejects.toMatchObject({
      code: "invalid_input",
      message: expect.stringMatching(
        /about 75,001 tokens, and LongCat-2.0-Preview takes 30,000.*The biggest: bigger.txt \(~50,000 tokens\), big.txt/,
      ),
    });
    expect(posts(server.hits)).toHaveLength(0);
    expect(rig.connection.all("SELECT * FROM chat_files", [])).toEqual([]);
  });

  it("never says as much as the model takes of what is more", async () => {
    const server = await small();
    const rig = await openChatRig({ origin: server.origin });
    await expect(rig.ask("y".repeat(120_001))).rejects.toMatchObject({
      message: expect.stringContaining("about 30,001 tokens, and LongCat-2.0-Preview takes 30,000"),
    });
  });

  it("counts what the answer may take", async () => {
    const server = await small();
    const rig = await openChatRig({ origin: server.origin });
    await expect(rig.ask("y".repeat(100_000), { maxTokens: 8_000 })).rejects.toMatchObject({
      message: expect.stringContaining("max_tokens keeps 8,000"),
    });
  });

  it("counts what earlier turns have attached in vain", async () => {
    const server = await rawServer((hit, response) =>
      hit.method === "GET"
        ? json(response, 200, { id: "m", context_length: 30_000 })
        : json(response, 401, {}),
    );
    const rig = await openChatRig({ origin: server.origin });
    await writeFile(join(rig.folder, "a.txt"), "a".repeat(80_000));
    await writeFile(join(rig.folder, "b.txt"), "b".repeat(80_000));
    const first = await rig.ask("?", { files: ["a.txt"] });
    await rig.reached(first, "failed");
    await expect(
      rig.ask("?", { threadId: threadOf(first), files: ["b.txt"] }),
    ).rejects.toMatchObject({ message: expect.stringContaining("a.txt (~20,000 tokens)") });
  });

  it("is sent if nobody says how much the model takes", async () => {
    const server = await rawServer((hit, response) =>
      hit.method === "GET" ? json(response, 404, {}) : stream(response, chunk("Fine.")),
    );
    const rig = await openChatRig({ origin: server.origin });
    await rig.reached(await rig.ask("z".repeat(400_000)), "completed");
  });

  it("loses its oldest turns only where the user allowed it", async () => {
    const folder = await tempDir();
    const server = await small();
    const strict = await openChatRig({ origin: server.origin, folder });
    const first = await strict.ask("Old?");
    await strict.reached(first, "completed");
    const threadId = threadOf(first);
    await strict.reached(await strict.ask("Newer?", { threadId }), "completed");
    await expect(strict.ask("Now?", { threadId })).rejects.toMatchObject({
      code: "invalid_input",
      next: expect.stringContaining("LONGCAT_MCP_TRIM_HISTORY"),
    });
    await strict.close();

    const lenient = await openChatRig({ origin: server.origin, folder, trimHistory: true });
    const job = await lenient.ask("Now?", { threadId });
    await lenient.reached(job, "completed");
    const asked = messagesOf(posts(server.hits).at(-1)).filter(({ role }) => role === "user");
    expect(asked.map(({ content }) => content)).toEqual(["Newer?", "Now?"]);
    expect(job.warnings).toEqual([
      "1 of the thread's oldest turns no longer fit and were left out.",
    ]);
  });
});

describe("more than the model takes, though old turns may be left out,", () => {
  it("is refused with an advice that can still help", async () => {
    const server = await rawServer((hit, response) =>
      hit.method === "GET"
        ? json(response, 200, { id: "m", context_length: 30_000 })
        : stream(response, chunk("Fine.")),
    );
    const rig = await openChatRig({ origin: server.origin, trimHistory: true });
    const adviceFor = (threadId: string) =>
      rig.ask("y".repeat(200_000), { threadId }).catch(({ next }) => next);
    const plain = await rig.reached(await rig.ask("Old?"), "completed");
    expect(await adviceFor(threadOf(plain))).toBe("Attach less; nothing was sent.");
    await writeFile(join(rig.folder, "a.txt"), "attached");
    const withFile = await rig.reached(await rig.ask("Old?", { files: ["a.txt"] }), "completed");
    expect(await adviceFor(threadOf(withFile))).toBe(
      "Attach less, or begin a new thread; turns with files are never left out. Nothing was sent.",
    );
  });
});
