import { mkdir, readFile, rm, unlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { systemClock } from "../../src/core/clock.ts";
import { answering, chunk, held, openChatRig, stream, threadOf } from "../support/chat-rig.ts";
import { rawServer } from "../support/raw-server.ts";
import { OWNER } from "../support/rig.ts";

describe("an answer's file", () => {
  it("is made of what is longer than hosts show", async () => {
    const { origin } = await rawServer((_hit, response) =>
      stream(response, chunk("long ".repeat(2_001))),
    );
    const rig = await openChatRig({ origin });
    const { media } = await rig.reached(await rig.ask("Write: a *long* one"), "completed");
    expect(media).toMatchObject([{ index: 1, mimeType: "text/markdown", sizeBytes: 10_005 }]);
    expect(media[0]?.path).toMatch(/longcat-chat-write-a-long-one-\w{6}-1\.md$/);
    expect(await readFile(media[0]?.path ?? "", "utf8")).toBe("long ".repeat(2_001));
  });

  it("is copied under the name that save_to gives", async () => {
    const { origin } = await answering();
    const rig = await openChatRig({ origin });
    await mkdir(join(rig.folder, "allowed"));
    const job = await rig.reached(await rig.ask("Save", { saveTo: "allowed/a.json" }), "completed");
    expect(job.media[0]?.copies).toEqual([join(rig.folder, "allowed/a.json")]);
    expect(await readFile(join(rig.folder, "allowed/a.json"), "utf8")).toBe("Answer 1.");
  });

  it("is said to be missing where it cannot be made, and the answer stays", async () => {
    const server = await held();
    const rig = await openChatRig({ origin: server.origin });
    await mkdir(join(rig.folder, "allowed"));
    const asked = await rig.ask("Save", { saveTo: "allowed/a.md" });
    const response = await server.next();
    await rm(rig.outputDir, { recursive: true });
    await writeFile(rig.outputDir, "in its place");
    response.end(`${chunk("Fine.")}data: [DONE]\n\n`);
    const job = await rig.reached(asked, "completed");
    expect(job.media).toEqual([]);
    expect(job.warnings).toEqual([
      expect.stringMatching(
        /^No file was made: .* cannot be written\. The whole is in longcat:.*\.$/,
      ),
    ]);
  });

  it("is written again from the thread where it is gone", async () => {
    const server = await answering();
    const rig = await openChatRig({ origin: server.origin });
    await mkdir(join(rig.folder, "allowed"));
    const job = await rig.reached(await rig.ask("Save", { saveTo: "allowed/a.json" }), "completed");
    const path = job.media[0]?.path ?? "";
    expect((await rig.runner.restore(job)).updatedAt).toBe(job.updatedAt);
    await unlink(path);
    const restored = await rig.runner.restore(job);
    expect(restored.media).toEqual(job.media);
    expect(await rig.get(job)).toEqual(restored);
    expect(await readFile(path, "utf8")).toBe("Answer 1.");
    expect(server.hits).toHaveLength(1);

    await unlink(path);
    await rig.threads.delete(OWNER, threadOf(job), systemClock.now());
    await expect(rig.runner.restore(job)).rejects.toMatchObject({
      code: "not_found",
      message: expect.stringContaining("deleted"),
    });
  });

  it("is not asked for outside the allowed folders", async () => {
    const server = await answering();
    const rig = await openChatRig({ origin: server.origin });
    await expect(rig.ask("Save", { saveTo: "/etc/a.md" })).rejects.toMatchObject({
      code: "invalid_input",
    });
    expect(server.hits).toHaveLength(0);
    expect((await rig.threads.list(OWNER, 10, undefined)).threads).toEqual([]);
  });
});
