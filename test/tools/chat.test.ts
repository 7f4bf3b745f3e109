import type { ServerResponse } from "node:http";
import { describe, expect, it } from "vitest";
import { chunk, stream } from "../support/chat-rig.ts";
import { rawServer } from "../support/raw-server.ts";
import { until } from "../support/rig.ts";
import { openToolRig, textOf } from "../support/tool-rig.ts";

/** All tools on a platform that answers always the same. */
async function saying(...pieces: string[]) {
  const server = await rawServer((_hit, response) =>
    stream(response, ...pieces.map((piece) => chunk(piece)), chunk("", "stop")),
  );
  return { ...(await openToolRig(server.origin)), server };
}

/** All tools on a platform that leaves each answer to the test. */
async function held() {
  const responses: ServerResponse[] = [];
  const server = await rawServer((_hit, response) => {
    response.writeHead(200, { "content-type": "text/event-stream" });
    response.flushHeaders();
    responses.push(response);
  });
  const next = () => until(() => responses.shift(), "a question");
  return { ...(await openToolRig(server.origin)), next };
}

const HALF = /[\uD800-\uDBFF](?![\uDC00-\uDFFF])|(?<![\uD800-\uDBFF])[\uDC00-\uDFFF]/;

describe("what is cut", () => {
  it("is cut between characters", async () => {
    const { call, runtime } = await saying(`a${"🐋".repeat(6_000)}`);
    const result = await call("longcat_chat", { prompt: `b${"🐋".repeat(2_000)}` });
    expect(textOf(result)).toContain("🐋 …");
    expect(textOf(result)).not.toMatch(HALF);
    const { threads } = await runtime.threads.list("local", 1, undefined);
    const thread = { thread_id: threads[0]?.threadId };
    const read = await call("chat_threads", { action: "read", ...thread });
    expect(textOf(read)).toContain("🐋…");
    expect(textOf(read)).not.toMatch(/\\ud8/);
  });

  it("is cut between characters where the end of a text is shown", async () => {
    const { call, next } = await held();
    const started = await call("longcat_chat", { prompt: "?", wait_seconds: 0 });
    const response = await next();
    response.write(chunk(`${"🐋".repeat(3_000)}a`));
    const text = await until(async () => {
      const [job_id] = /job_[a-z2-7]{26}/.exec(textOf(started)) ?? [];
      const status = textOf(await call("job_status", { job_id, wait_seconds: 0 }));
      return status.includes("characters so far") && status;
    });
    response.end();
    expect(text).toContain("… 🐋");
    expect(text).not.toMatch(HALF);
  });
});
