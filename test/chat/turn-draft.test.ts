import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { attachFiles } from "../../src/chat/attachments.ts";
import { systemClock } from "../../src/core/clock.ts";
import { newJobId } from "../../src/core/ids.ts";
import {
  answering,
  chunk,
  messagesOf,
  openChatRig,
  posts,
  stream,
  threadOf,
} from "../support/chat-rig.ts";
import { deadOrigin, json, rawServer } from "../support/raw-server.ts";
import { leftJob, OWNER, recordJob } from "../support/rig.ts";

describe("what is attached", () => {
  it("is sent by name before the question, and again with every later turn", async () => {
    const server = await answering();
    const rig = await openChatRig({ origin: server.origin });
    await writeFile(join(rig.folder, 'odd" name.txt'), 'Grüße, "Welt"\n\u2028');
    const first = await rig.ask("What is it?", { files: ["*.txt"] });
    await rig.reached(first, "completed");
    await writeFile(join(rig.folder, 'odd" name.txt'), "changed on disk");
    await rig.reached(await rig.ask("And?", { threadId: threadOf(first) }), "completed");
    const asked = `<file index="1" name="odd&quot; name.txt">\nGrüße, "Welt"\n\u2028\n</file>\n\nWhat is it?`;
    expect(messagesOf(server.hits[0])).toEqual([{ role: "user", content: asked }]);
    expect(messagesOf(server.hits[1])).toEqual([
      { role: "user", content: asked },
      { role: "assistant", content: "Answer 1." },
      { role: "user", content: "And?" },
    ]);
  });

  it("is sent once though it is named twice, and anew when it has changed", async () => {
    const server = await answering();
    const rig = await openChatRig({ origin: server.origin });
    const path = join(rig.folder, "a.txt");
    await writeFile(path, "one");
    const first = await rig.ask("1", { files: ["a.txt", path, "*.txt"] });
    await rig.reached(first, "completed");
    const threadId = threadOf(first);
    const second = await rig.ask("2", { threadId, files: ["a.txt"] });
    await rig.reached(second, "completed");
    expect(second.warnings).toEqual(["1 unchanged files were attached already."]);
    await writeFile(path, "two");
    await rig.reached(await rig.ask("3", { threadId, files: ["a.txt"] }), "completed");
    const contents = messagesOf(server.hits[2]).map(({ content }) => content);
    expect(contents.filter((content) => content.includes("one"))).toHaveLength(1);
    expect(contents.at(-1)).toContain("two");
  });

  it("is sent with the next turns when its own came to nothing", async () => {
    let count = 0;
    const server = await rawServer((_hit, response) =>
      ++count === 1
        ? json(response, 401, { error: { message: "no" } })
        : stream(response, chunk(`Answer ${count}.`)),
    );
    const rig = await openChatRig({ origin: server.origin });
    await writeFile(join(rig.folder, "a.txt"), "one");
    const first = await rig.ask("1", { files: ["a.txt"] });
    await rig.reached(first, "failed");
    const threadId = threadOf(first);
    await writeFile(join(rig.folder, "b.txt"), "two");
    const second = await rig.ask("1", { threadId, files: ["*.txt"] });
    await rig.reached(second, "completed");
    await rig.reached(await rig.ask("2", { threadId, files: ["*.txt"] }), "completed");
    const asked =
      '<file index="1" name="a.txt">\none\n</file>\n<file index="2" name="b.txt">\ntwo\n</file>\n\n1';
    expect(second.warnings).toEqual(["1 unchanged files were attached already."]);
    expect(messagesOf(server.hits[1])).toEqual([{ role: "user", content: asked }]);
    expect(messagesOf(server.hits[2])).toEqual([
      { role: "user", content: asked },
      { role: "assistant", content: "Answer 2." },
      { role: "user", content: "2" },
    ]);
  });

  it("is attached anew when the process died before its turn was recorded", async () => {
    const server = await answering();
    const rig = await openChatRig({ origin: server.origin });
    await writeFile(join(rig.folder, "a.txt"), "one");
    const first = await rig.ask("1");
    await rig.reached(first, "completed");
    const threadId = threadOf(first);
    await attachFiles(rig.threads, {
      owner: OWNER,
      jobId: newJobId(),
      threadId,
      patterns: ["a.txt"],
      places: { allowedDirs: [rig.folder], workingDir: rig.folder, homeDir: rig.folder },
      isRemote: false,
      findEarlier: () => Promise.reject(new Error("nothing earlier was named")),
      known: [],
      now: systemClock.now(),
    });
    expect((await rig.threads.thread(OWNER, threadId))?.files).toBe(0);
    const second = await rig.ask("2", { threadId, files: ["a.txt"] });
    await rig.reached(second, "completed");
    expect(second.warnings).toEqual([]);
    expect(messagesOf(server.hits[1]).at(-1)?.content).toContain("one");
  });

  it("may be an earlier answer, its file or its whole thread", async () => {
    const long = `The end. ${"word ".repeat(3_000)}`;
    const server = await rawServer((_hit, response) => stream(response, chunk(long, "stop")));
    const rig = await openChatRig({ origin: server.origin });
    const first = await rig.reached(await rig.ask("Tell me."), "completed");
    expect(first.media).toHaveLength(1);
    const references = [
      `longcat://media/${first.jobId}/1`,
      `longcat://jobs/${first.jobId}`,
      `longcat://threads/${threadOf(first)}`,
    ];
    const second = await rig.ask("And?", { files: references });
    await rig.reached(second, "completed");
    const sent = messagesOf(server.hits.at(-1)).at(-1)?.content ?? "";
    for (const name of [`${first.jobId}-1.md`, `${first.jobId}.md`, `${threadOf(first)}.md`]) {
      expect(sent).toContain(name);
    }
    expect(sent.split("The end.")).toHaveLength(4);
    expect(sent).toContain("> Tell me.");
  });

  it("may be no reference to anything else, which says why", async () => {
    const server = await answering();
    const rig = await openChatRig({ origin: server.origin });
    const done = await rig.reached(await rig.ask("Tell me."), "completed");
    const medium = { index: 1, url: "", path: "/x.png", sizeBytes: 1, sha256: "", copies: [] };
    const picture = leftJob({
      baseUrl: server.origin,
      state: "completed",
      media: [{ ...medium, mimeType: "image/png" }],
    });
    await recordJob(rig.store, picture, "nobody");
    const none = newJobId();
    for (const [reference, code, message] of [
      [
        `longcat://media/${picture.jobId}/1`,
        "invalid_input",
        "is a picture, and this model reads text only",
      ],
      [`longcat://jobs/${picture.jobId}`, "invalid_input", "this model reads text only"],
      [`longcat://media/${done.jobId}/7`, "not_found", "does not exist"],
      [`longcat://jobs/${none}`, "not_found", "does not exist"],
      [`longcat://threads/thread_${none.slice(4)}`, "not_found", "does not exist"],
      [
        "longcat://models/z_image_turbo_generate",
        "invalid_input",
        "names nothing that can be attached",
      ],
    ] as const) {
      await expect(rig.ask("?", { files: [reference] }), reference).rejects.toMatchObject({
        code,
        message: expect.stringContaining(message),
      });
    }
    expect(posts(server.hits)).toHaveLength(1);
  });

  it("is nowhere left when the turn was refused", async () => {
    const rig = await openChatRig({ origin: await deadOrigin() });
    await writeFile(join(rig.folder, "a.txt"), "text");
    await writeFile(join(rig.folder, "b.bin"), Buffer.from([1, 0, 2]));
    await expect(rig.ask("?", { files: ["a.txt", "b.bin"] })).rejects.toMatchObject({
      code: "invalid_input",
      message: expect.stringContaining("b.bin is no text"),
    });
    const db = rig.connection;
    expect(db.all("SELECT * FROM chat_files", [])).toEqual([]);
    expect(db.all("SELECT * FROM chat_file_parts", [])).toEqual([]);
    expect(db.all("SELECT * FROM jobs", [])).toEqual([]);
  });
});
