import { describe, expect, it } from "vitest";
import { get, openSandbox, post } from "./client.ts";
import { PATHS, QUEUE_EXAMPLES } from "./examples.ts";

const LONGCAT = { prompt: "A lighthouse", image_size: "square_1_1" };

describe("a queue job", () => {
  it("is queued, then processed, then completed, by the clock", async () => {
    const { sandbox, clock } = await openSandbox();
    const { json: accepted } = await post(sandbox.origin + PATHS.longcat, LONGCAT);
    const status = async () => (await get(accepted.polling_url)).json;

    const queued = await status();
    expect(queued).toStrictEqual({
      request_id: accepted.request_id,
      status: "QUEUED",
      model_id: "longcat-image-498",
      error: null,
      output: null,
      created_at: "2026-11-20T12:00:00.000Z",
      updated_at: "2026-11-20T12:00:00.000Z",
      completed_at: null,
    });
    await clock.advance(299);
    expect((await status()).status).toBe("QUEUED");
    await clock.advance(1);
    expect(await status()).toMatchObject({
      status: "PROCESSING",
      output: null,
      updated_at: "2026-11-20T12:00:00.300Z",
      completed_at: null,
    });
    await clock.advance(1199);
    expect((await status()).status).toBe("PROCESSING");
    await clock.advance(1);
    const completed = await status();
    expect(completed).toStrictEqual({
      request_id: accepted.request_id,
      status: "COMPLETED",
      model_id: "longcat-image-498",
      error: null,
      output: {
        media_url: [`${sandbox.origin}/v1/${accepted.request_id}/output.png`],
        media_type: "application/octet-stream",
      },
      created_at: "2026-11-20T12:00:00.000Z",
      updated_at: "2026-11-20T12:00:01.500Z",
      completed_at: "2026-11-20T12:00:01.500Z",
    });
    expect(Object.keys(completed)).toStrictEqual([
      "request_id",
      "status",
      "model_id",
      "error",
      "output",
      "created_at",
      "updated_at",
      "completed_at",
    ]);
  });

  it.each([
    [0, 1500],
    [1, 1000],
    [2, 1500],
    [3, 2000],
    [4, 2000],
    [5, 2000],
    [6, 4000],
    [7, 2500],
  ])("takes as long as its operation does, divided by the speed (%#)", async (n, durationMs) => {
    const { sandbox, clock } = await openSandbox({ speed: 10 });
    const example = QUEUE_EXAMPLES[n];
    const { json } = await post(sandbox.origin + example?.path, example?.minimum);
    await clock.advance(durationMs / 10 - 1);
    expect((await get(json.polling_url)).json.status).toBe("PROCESSING");
    await clock.advance(1);
    expect((await get(json.polling_url)).json.status).toBe("COMPLETED");
  });

  it("waits while all workers are busy", async () => {
    const { sandbox, clock } = await openSandbox({ workers: 2 });
    const urls: string[] = [];
    for (let n = 0; n < 5; n++)
      urls.push((await post(sandbox.origin + PATHS.turbo, LONGCAT)).json.polling_url);
    const statuses = async () => {
      const all = await Promise.all(urls.map(async (url) => (await get(url)).json.status));
      return all.map((status: string) => status.charAt(0)).join("");
    };
    await clock.advance(200);
    expect(await statuses()).toBe("PPQQQ");
    await clock.advance(800);
    expect(await statuses()).toBe("CCPPQ");
    await clock.advance(800);
    expect(await statuses()).toBe("CCCCP");
    await clock.advance(800);
    expect(await statuses()).toBe("CCCCC");
  });

  it("yields as many files as asked, in the asked format, up to a limit of its own", async () => {
    const { sandbox, clock } = await openSandbox({ shapes: { trueMediaType: true } });
    const submit = async (num_images: number) =>
      (
        await post(sandbox.origin + PATHS.longcat, {
          ...LONGCAT,
          num_images,
          output_format: "webp",
        })
      ).json;
    const three = await submit(3);
    const many = await submit(1_000_000);
    await clock.advance(10_000);
    const { output } = (await get(three.polling_url)).json;
    expect(output).toStrictEqual({
      media_url: ["output", "output_2", "output_3"].map(
        (name) => `${sandbox.origin}/v1/${three.request_id}/${name}.webp`,
      ),
      media_type: "image/webp",
    });
    expect((await get(many.polling_url)).json.output.media_url).toHaveLength(16);
  });

  it("is known to nobody else, and needs the key", async () => {
    const { sandbox } = await openSandbox({ apiKey: "sandbox-key" });
    const { json } = await post(sandbox.origin + PATHS.longcat, LONGCAT);
    expect((await get(json.polling_url)).status).toBe(200);
    expect((await get(json.polling_url, {})).status).toBe(401);
    expect((await get(json.polling_url, { "Ocp-Apim-Subscription-Key": "x" })).status).toBe(401);
    for (const id of ["nonsense", `${json.request_id}0`, "longcat-image-498_", "%00"]) {
      const unknown = await get(`${sandbox.origin}/v2/requests/status/${id}`);
      expect(unknown.status).toBe(404);
      expect(unknown.json.error).toBe("Not Found");
    }
  });

  it("is forgotten when many newer ones have finished, its files with it", async () => {
    const { sandbox, clock } = await openSandbox({ keepJobs: 3 });
    const first = (await post(sandbox.origin + PATHS.longcat, LONGCAT)).json;
    await clock.advance(60_000);
    const [file = ""] = (await get(first.polling_url)).json.output.media_url;
    for (let n = 0; n < 2; n++) await post(sandbox.origin + PATHS.longcat, LONGCAT);
    expect((await get(first.polling_url)).status).toBe(200);
    await post(sandbox.origin + PATHS.longcat, LONGCAT);
    expect((await get(first.polling_url)).status).toBe(404);
    expect((await get(file)).status).toBe(404);
  });

  it("is never forgotten while it is unfinished", async () => {
    const { sandbox } = await openSandbox({ keepJobs: 1 });
    const first = (await post(sandbox.origin + PATHS.longcat, LONGCAT)).json;
    for (let n = 0; n < 5; n++) await post(sandbox.origin + PATHS.longcat, LONGCAT);
    expect((await get(first.polling_url)).json.status).toBe("QUEUED");
  });
});

describe("the older status operation", () => {
  const ask = (origin: string, request_id: unknown, headers?: Record<string, string>) =>
    post(origin + PATHS.legacy, { request_id }, headers);

  it("tells a queue job's state in its own words", async () => {
    const { sandbox, clock } = await openSandbox();
    const { request_id } = (await post(sandbox.origin + PATHS.longcat, LONGCAT)).json;
    expect((await ask(sandbox.origin, request_id)).json).toStrictEqual({
      status: "processing",
      progress: 0,
      request_id,
    });
    await clock.advance(900);
    expect((await ask(sandbox.origin, request_id)).json).toStrictEqual({
      status: "processing",
      progress: 0.5,
      request_id,
    });
    await clock.advance(600);
    expect((await ask(sandbox.origin, request_id)).json).toStrictEqual({
      status: "completed",
      progress: 1,
      request_id,
      result_url: `${sandbox.origin}/v1/${request_id}/output.png`,
      created_at: "2026-11-20T12:00:00Z",
      duration_seconds: 1.5,
      model_version: "longcat-v1.2",
    });
  });

  it("answers the documented examples under demo ids", async () => {
    const { sandbox } = await openSandbox();
    expect((await ask(sandbox.origin, "demo-processing")).json).toStrictEqual({
      status: "processing",
      progress: 0.45,
      request_id: "demo-processing",
    });
    const { json } = await ask(sandbox.origin, "demo-completed");
    expect(json).toMatchObject({
      status: "completed",
      progress: 1,
      created_at: "2024-06-15T10:30:00Z",
      duration_seconds: 42,
      model_version: "longcat-v1.2",
    });
    const picture = await get(json.result_url, {});
    expect(picture.headers["content-type"]).toBe("image/png");
    expect(picture.bytes.subarray(1, 4).toString()).toBe("PNG");
  });

  it("reports ids that nobody knows, and failed jobs, as failed", async () => {
    const { sandbox, clock } = await openSandbox();
    const unknown = await ask(sandbox.origin, "XXXXXXXXXXXXX");
    expect(unknown.status).toBe(200);
    expect(unknown.json).toStrictEqual({
      status: "failed",
      request_id: "XXXXXXXXXXXXX",
      error: expect.stringContaining("XXXXXXXXXXXXX"),
    });
    sandbox.faults.add({ kind: "job-failed", message: "no luck" });
    const { request_id } = (await post(sandbox.origin + PATHS.longcat, LONGCAT)).json;
    await clock.advance(5000);
    const failed = await ask(sandbox.origin, request_id);
    expect(failed.json).toStrictEqual({ status: "failed", request_id, error: "no luck" });
  });

  it.each([undefined, 12, "a", "a b c", "../../x"])("refuses the id %j", async (id) => {
    const { sandbox } = await openSandbox();
    const reply = await ask(sandbox.origin, id);
    expect(reply.status).toBe(400);
    expect(reply.json).toStrictEqual({ error: "Invalid request parameters" });
  });

  it("wants a key", async () => {
    const { sandbox } = await openSandbox();
    const reply = await ask(sandbox.origin, "demo-completed", {});
    expect(reply.status).toBe(401);
    expect(reply.json).toStrictEqual({ error: "Invalid or missing authentication" });
  });
});
