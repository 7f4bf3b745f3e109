import { describe, expect, it } from "vitest";
import { KEY, openSandbox, post } from "../client.ts";
import { editRequest, generateRequest, PATHS, QUEUE_EXAMPLES } from "../examples.ts";

const UUID_V7 = "[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}";

describe.each(QUEUE_EXAMPLES)("$modelId", ({ modelId, path, minimum, full }) => {
  it.each([
    ["shortest", minimum],
    ["fullest", full],
  ])("accepts the %s documented request", async (_, body) => {
    const { sandbox } = await openSandbox();
    const reply = await post(sandbox.origin + path, body);
    expect(reply.status).toBe(202);
    expect(reply.json.request_id).toMatch(new RegExp(`^${modelId}_${UUID_V7}$`));
    expect(reply.json).toStrictEqual({
      request_id: reply.json.request_id,
      status: "QUEUED",
      polling_url: `${sandbox.origin}/v2/requests/status/${reply.json.request_id}`,
    });
    expect(Object.keys(reply.json)).toStrictEqual(["request_id", "status", "polling_url"]);
    expect(sandbox.requests()[0]).toMatchObject({
      requestId: reply.json.request_id,
      status: 202,
      charged: true,
    });
  });

  it("asks for every required field by name", async () => {
    const { sandbox } = await openSandbox();
    const required = Object.keys(minimum).filter((field) => field !== "steps");
    for (const field of required) {
      const reply = await post(sandbox.origin + path, { ...minimum, [field]: undefined });
      expect(reply.status).toBe(400);
      expect(reply.json.error).toBe("Bad Request");
      expect(reply.json.message).toContain(`"${field}" is required`);
    }
    expect(sandbox.requests().some(({ charged }) => charged)).toBe(false);
  });

  it("ignores unknown fields and takes whole numbers however they are written", async () => {
    const { sandbox } = await openSandbox();
    const text = JSON.stringify({ ...full, unheard_of: { x: 1 } }).replace(
      /("num_images":1)/,
      "$1.0",
    );
    expect((await post(sandbox.origin + path, text)).status).toBe(202);
  });

  it.each([{}, { "Ocp-Apim-Subscription-Key": "  " }])("wants a key: %j", async (headers) => {
    const { sandbox } = await openSandbox();
    const reply = await post(sandbox.origin + path, minimum, headers);
    expect(reply.status).toBe(401);
    expect(reply.json).toStrictEqual({ error: "Unauthorized", message: expect.any(String) });
  });
});

const [longcat, turbo, base, maxEdit, max, lora, trainer, layered] = QUEUE_EXAMPLES;

it("takes what no documented request has and the tables have", async () => {
  const { sandbox } = await openSandbox();
  const more = { seed: 7, webhook_events_filter: ["start"] };
  const path = lora?.path ?? "";
  expect((await post(sandbox.origin + path, { ...lora?.full, ...more })).status).toBe(202);
});

describe("values outside the contract", () => {
  it.each([
    [longcat, "image_size", "landscape_16_9", "ultra_wide_16_9"],
    [longcat, "acceleration", "none", "regular, high_performance"],
    [longcat, "output_format", "gif", "png, jpeg, webp"],
    [longcat, "num_images", 0, "at least 1"],
    [longcat, "num_images", "1", "a whole number"],
    [longcat, "num_images", null, "a whole number"],
    [longcat, "num_inference_steps", 28.5, "a whole number"],
    [longcat, "guidance_scale", "4.5", "a number"],
    [longcat, "enable_safety_checker", "true", "true or false"],
    [longcat, "prompt", 7, "a string"],
    [turbo, "image_size", "ultra_wide_16_9", "landscape_16_9"],
    [turbo, "num_inference_steps", 51, "from 1 to 50"],
    [turbo, "num_inference_steps", 0, "from 1 to 50"],
    [turbo, "num_images", 5, "from 1 to 4"],
    [turbo, "acceleration", "regular", "none"],
    [base, "num_inference_steps", 9, "from 10 to 100"],
    [base, "num_inference_steps", 101, "from 10 to 100"],
    [base, "guidance_scale", 0.5, "from 1 to 20"],
    [base, "guidance_scale", 20.5, "from 1 to 20"],
    [base, "num_images", 5, "from 1 to 4"],
    [base, "acceleration", "high_performance", "regular, fast, ultra_fast"],
    [maxEdit, "image_urls", [], "at least 1 items"],
    [maxEdit, "image_urls", "https://example.com/a.png", "an array"],
    [maxEdit, "image_urls", ["data:image/png;base64,AAAA"], "http"],
    [maxEdit, "image_urls", ["/home/me/a.png"], "http"],
    [maxEdit, "num_images", 5, "from 1 to 4"],
    [max, "image_size", "square_1_1", "square_hd, portrait_hd, landscape_hd"],
    [max, "num_images", 5, "from 1 to 4"],
    [lora, "image_urls", Array(11).fill("https://example.com/a.png"), "from 1 to 10"],
    [lora, "image_size", 7, "a string or an object"],
    [lora, "guidance_scale", 21, "from 1 to 20"],
    [lora, "output_format", "webp", "png, jpeg"],
    [lora, "acceleration", "fast", "none, regular"],
    [lora, "webhook", "not an address", "http"],
    [lora, "webhook_events_filter", ["finish"], "start, complete, *"],
    [lora, "webhook_events_filter", "*", "an array"],
    [trainer, "steps", 10_001, "from 1 to 10000"],
    [trainer, "learning_rate", 1.5, "from 0 to 1"],
    [trainer, "reference_image_count", 11, "from 1 to 10"],
    [layered, "num_images", 2, "equal to 1"],
    [layered, "output_format", "webp", "png"],
    [layered, "acceleration", "none", "regular, fast"],
    [layered, "image_url", "data:image/png;base64,AAAA", "http"],
  ])("refuses them, naming field and allowed values (%#)", async (example, field, value, said) => {
    const { sandbox } = await openSandbox();
    const reply = await post(sandbox.origin + example?.path, {
      ...example?.full,
      [field]: value,
    });
    expect(reply.status).toBe(400);
    expect(reply.json.error).toBe("Bad Request");
    expect(reply.json.message).toContain(`"${field}`);
    expect(reply.json.message).toContain(said);
  });

  it.each([
    [lora, "image_size", { width: 640, height: 480 }],
    [lora, "image_size", "whatever"],
    [lora, "image_urls", ["data:image/png;base64,AAAA"]],
    [longcat, "num_images", 40],
    [longcat, "num_inference_steps", 5000],
    [turbo, "num_inference_steps", 50],
    [base, "guidance_scale", 1.5],
    [longcat, "prompt", ""],
  ])("does not refuse what the contract leaves open (%#)", async (example, field, value) => {
    const { sandbox } = await openSandbox();
    const reply = await post(sandbox.origin + example?.path, { ...example?.full, [field]: value });
    expect(reply.status).toBe(202);
  });

  it("refuses a body that is no JSON object, and another content type", async () => {
    const { sandbox } = await openSandbox();
    const url = sandbox.origin + PATHS.longcat;
    expect((await post(url, "{")).json.message).toContain("JSON");
    expect((await post(url, [])).json.message).toContain("JSON object");
    const plain = await post(url, longcat?.minimum, { ...KEY, "Content-Type": "text/plain" });
    expect(plain.json.message).toContain("application/json");
    expect(plain.status).toBe(400);
  });
});

describe("synchronous operations", () => {
  const user = (...content: object[]) => ({ messages: [{ role: "user", content }] });

  it.each([
    [{ ...editRequest(), model: "qwen-image" }, '"model" must be one of qwen-image-edit'],
    [
      { ...editRequest(), input: { messages: [] } },
      '"input.messages" must be an array of at least 1',
    ],
    [{ ...editRequest(), input: user({ text: "x" }) }, 'content[].image" is required'],
    [{ ...editRequest(), input: user({ image: "https://a.b/c" }) }, 'content[].text" is required'],
    [{ ...editRequest(), input: user({ text: "x" }, { image: "/tmp/a.png" }) }, "data:{MIME_type}"],
    [{ ...editRequest(), input: { messages: [{ role: "system", content: [] }] } }, "one of user"],
    [{ ...editRequest(), parameters: { watermark: 1 } }, '"parameters.watermark" must be true'],
  ])("edit refuses with 400 (%#)", async (body, said) => {
    const { sandbox } = await openSandbox();
    const reply = await post(sandbox.origin + PATHS.edit, body);
    expect(reply.status).toBe(400);
    expect(reply.json.message).toContain(said);
  });

  it.each([
    [
      { size: "1328x1328" },
      '"parameters.size" must be one of 1328*1328, 1024*1024, 768*768, 512*512',
    ],
    [{ prompt_extend: "yes" }, '"parameters.prompt_extend" must be true or false'],
  ])("generation refuses with 400 (%#)", async (parameters, said) => {
    const { sandbox } = await openSandbox();
    const reply = await post(sandbox.origin + PATHS.generate, generateRequest(parameters));
    expect(reply.status).toBe(400);
    expect(reply.json.message).toContain(said);
  });

  it("want a key", async () => {
    const { sandbox } = await openSandbox({ apiKey: "the-one" });
    const other = await post(sandbox.origin + PATHS.generate, generateRequest());
    expect(other.status).toBe(401);
  });
});
