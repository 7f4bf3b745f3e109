import { randomUUID } from "node:crypto";
import { ResourceUpdatedNotificationSchema } from "@modelcontextprotocol/sdk/types.js";
import { expect, onTestFinished, test, vi } from "vitest";
import * as z from "zod";
import { openBench, PATIENTLY } from "../e2e/harness.ts";
import { Visitor } from "../support/gallery-rig.ts";
import { connectModern, connectOld } from "../support/http-callers.ts";
import { ComposeShape } from "./compose-shape.ts";
import { ask, freshDatabase } from "./fresh-database.ts";

const START = "z_image_turbo_generate";
const picture = (prompt: string) => ({ prompt, image_size: "square_1_1", wait_seconds: 0 });
const jobIn = (result: unknown) => /job_[a-z2-7]{26}/.exec(JSON.stringify(result))?.[0] ?? "";
const stateSchema = z.looseObject({ state: z.string() });

/**
 * Who has connected in the very moment in which a replica closes its port gets a 502 of nginx, which
 * never sends anything twice, and asks again as any client does.
 */
async function onceMore<T>(work: () => Promise<T>): Promise<T> {
  return work().catch((error: unknown) => {
    if (/\b502\b/.test(String(error))) return work();
    throw error;
  });
}

/** Two replicas behind nginx, as the compose file has them, and somebody who may call. */
async function team() {
  const bench = await openBench();
  const url = await freshDatabase();
  const { TEST_MEDIA_URL = "", AWS_ACCESS_KEY_ID = "", AWS_SECRET_ACCESS_KEY = "" } = process.env;
  const media = new URL(TEST_MEDIA_URL);
  media.pathname = `${media.pathname}/${randomUUID()}`;
  const shape = await ComposeShape.of(
    bench,
    { database_url: url, s3_key_id: AWS_ACCESS_KEY_ID, s3_key: AWS_SECRET_ACCESS_KEY },
    { LONGCAT_MCP_MEDIA_URL: media.href, LONGCAT_MCP_TRUSTED_PROXIES: "127.0.0.1" },
  );
  const token = await shape.command("users", "add", "ann");
  for (const place of shape.places) await shape.start(place);
  await shape.balance();
  const headers = { authorization: `Bearer ${token}` };
  return { bench, url, shape, token, headers, mcp: new URL("/mcp", shape.origin) };
}

test("two replicas behind nginx serve calls, sessions, streams and links, and no call fails while one is replaced after the other, or after one was killed", async () => {
  const { bench, url, shape, token, headers, mcp } = await team();
  const client = await connectModern(mcp, headers);
  onTestFinished(() => client.close());
  const call = (name: string, args: Record<string, unknown>) =>
    client.callTool({ name, arguments: args });
  const stateOf = async (jobId: string) => {
    const { contents } = await client.readResource({ uri: `longcat://jobs/${jobId}` });
    const [first] = contents;
    return stateSchema.parse(JSON.parse(first && "text" in first ? first.text : "")).state;
  };
  const untilDone = (jobId: string) =>
    vi.waitFor(async () => expect(await stateOf(jobId)).toBe("completed"), PATIENTLY);

  // Both are asked, and neither waits for the other.
  const first = jobIn(await call(START, picture("A first harbour")));
  await untilDone(first);
  expect((await fetch(shape.origin)).status).toBe(200);
  expect((await fetch(mcp, { method: "POST" })).status).toBe(401);
  const [, link = ""] =
    /(http:[^\s"\\]+\/media\/[^\s"\\]+)/.exec(
      JSON.stringify(await call("media_save", { job_id: first })),
    ) ?? [];
  expect(new URL(link).origin).toBe(shape.publicOrigin);
  const file = await fetch(link);
  expect([file.status, file.headers.get("content-type")]).toEqual([200, "image/png"]);
  // What was uploaded at one is read at both.
  const offered = JSON.stringify(await call("upload_link", {}));
  const [put = ""] = /http:[^\s"\\]+\/uploads\/[\w-]+/.exec(offered) ?? [];
  const [image = ""] = /longcat:\/\/uploads\/\w+/.exec(offered) ?? [];
  const body = Buffer.from(await file.arrayBuffer());
  expect((await fetch(put, { method: "PUT", body })).ok).toBe(true);
  for (const prompt of ["At noon", "At night"]) {
    const edit = await call("qwen_image_edit", { prompt, image, dry_run: true });
    expect(edit, JSON.stringify(edit)).not.toHaveProperty("isError", true);
  }

  // A client of before 2026-07-28 in a session, whichever of the two its requests come to.
  const old = await connectOld(mcp, headers);
  onTestFinished(() => old.close());
  const heard: string[] = [];
  old.setNotificationHandler(ResourceUpdatedNotificationSchema, ({ params }) => {
    heard.push(params.uri);
  });
  const second = jobIn(await old.callTool({ name: START, arguments: picture("A second harbour") }));
  await old.subscribeResource({ uri: `longcat://jobs/${second}` });
  await vi.waitFor(() => expect(heard).toContain(`longcat://jobs/${second}`), PATIENTLY);

  // Who signs in at one is in at both, and forms of one's pages count at both.
  const visitor = new Visitor(shape.origin);
  const signedIn = await visitor.post("/login", { token });
  expect([signedIn.status, visitor.cookie]).toEqual([
    303,
    expect.stringMatching(/^longcat_gallery=/),
  ]);
  for (const path of ["/", `/jobs/${first}`, "/", "/spending"]) {
    expect((await visitor.get(path)).status, path).toBe(200);
  }
  const asked = new Visitor(shape.origin);
  asked.cookie = visitor.cookie;
  asked.formKey = visitor.formKey;
  expect((await visitor.post("/logout", {})).status).toBe(200);
  for (let n = 0; n < 2; n++) expect((await asked.get("/spending")).status).toBe(404);

  // An upgrade: one after the other, with calls all the time.
  let isOver = false;
  let made = 0;
  const failed: unknown[] = [];
  const calling = async () => {
    while (!isOver) {
      made += 1;
      const wanted = picture(`Harbour number ${made}`);
      const given = await onceMore(() => call(START, wanted)).catch((error) => error);
      if (given instanceof Error || given.isError) failed.push(given);
      const list = { name: "job_list", arguments: {} };
      await onceMore(() => old.callTool(list)).catch((error) => failed.push(error));
    }
  };
  const callers = [calling(), calling()];
  for (const place of shape.places) {
    const before = made;
    place.program?.child.kill("SIGTERM");
    expect(await place.program?.exited()).toBe(0);
    await vi.waitFor(() => expect(made).toBeGreaterThan(before + 2), PATIENTLY);
    await shape.start(place);
  }
  isOver = true;
  await Promise.all(callers);
  expect(failed).toEqual([]);

  // One is killed: the other has its jobs, and every call after that is answered.
  const last = jobIn(await call(START, picture("A last harbour")));
  const sending = `SELECT job_id FROM longcat_mcp.jobs WHERE state IN ('queued', 'submitting')`;
  await vi.waitFor(async () => expect(await ask(url, sending)).toEqual([]), PATIENTLY);
  await shape.places[0]?.program?.kill("SIGKILL");
  await untilDone(last);
  for (let n = 0; n < 6; n++)
    expect(await call("job_list", {})).not.toHaveProperty("isError", true);
  await vi.waitFor(async () => {
    const sql = "SELECT state, count(*) AS n FROM longcat_mcp.jobs GROUP BY state";
    expect(await ask(url, sql)).toEqual([{ state: "completed", n: `${made + 3}` }]);
  }, PATIENTLY);
  expect(bench.posts).toBe(made + 3);
});
