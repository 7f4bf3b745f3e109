import sharp from "sharp";
import { describe, expect, it } from "vitest";
import type { SandboxOptions } from "../../../src/sandbox/sandbox-server.ts";
import { advanceWhenAwaited, get, openSandbox, post } from "../client.ts";
import { editRequest, generateRequest, PATHS } from "../examples.ts";

const MS_UNTIL_DONE = 1200;

async function ask(path: string, body: unknown, options: SandboxOptions = {}) {
  const { sandbox, clock } = await openSandbox(options);
  const reply = post(sandbox.origin + path, body);
  await advanceWhenAwaited(clock, MS_UNTIL_DONE);
  return { sandbox, reply: await reply };
}

/** A picture of one colour as a data URI. */
async function dataUri(width: number, height: number): Promise<string> {
  const create = { width, height, channels: 3, background: "#3366cc" } as const;
  const bytes = await sharp({ create }).jpeg().toBuffer();
  return `data:image/jpeg;base64,${bytes.toString("base64")}`;
}

describe("the synchronous generation", () => {
  it("answers with a picture once its time is up", async () => {
    const { sandbox, clock } = await openSandbox();
    let done = false;
    const reply = post(sandbox.origin + PATHS.generate, generateRequest()).then((answer) => {
      done = true;
      return answer;
    });
    await advanceWhenAwaited(clock, 999);
    expect(done).toBe(false);
    await clock.advance(1);
    const { status, json } = await reply;
    expect(status).toBe(200);
    expect(json).toStrictEqual({
      images: [
        { file_name: expect.any(String), content_type: "image/png", url: expect.any(String) },
      ],
      description: "",
    });
    expect(json.images[0]?.url).toMatch(
      new RegExp(`^${sandbox.origin}/qwen-image/qwen-image-[0-9a-f-]+-\\d+\\.png$`),
    );
    expect(sandbox.requests()[0]).toMatchObject({ status: 200, charged: true });
  });

  it.each([
    [{}, 1328],
    [{ size: "1328*1328" }, 1328],
    [{ size: "1024*1024", watermark: false }, 1024],
    [{ size: "768*768" }, 768],
    [{ size: "512*512", prompt_extend: true, negative_prompt: "" }, 512],
  ])("draws the asked size: %j", async (parameters, side) => {
    const { reply } = await ask(PATHS.generate, generateRequest(parameters));
    const file = await get(reply.json.images[0]?.url ?? "", {});
    expect(await sharp(file.bytes).metadata()).toMatchObject({
      format: "png",
      width: side,
      height: side,
    });
  });

  it("puts a watermark on it unless told not to", async () => {
    const draw = async (watermark?: boolean) => {
      const parameters = { size: "512*512", ...(watermark !== undefined && { watermark }) };
      const { reply } = await ask(PATHS.generate, generateRequest(parameters));
      return (await get(reply.json.images[0]?.url ?? "")).bytes;
    };
    const [marked, plain, unsaid] = [await draw(true), await draw(false), await draw()];
    expect(unsaid.equals(marked)).toBe(true);
    expect(plain.equals(marked)).toBe(false);
  });

  it("answers in the form of the edit by a switch", async () => {
    const { reply } = await ask(PATHS.generate, generateRequest({ size: "768*768" }), {
      shapes: { chatStyleGenerateReply: true },
    });
    expect(reply.json).toMatchObject({
      status_code: 200,
      code: "",
      output: { choices: [{ message: { content: [{ image: expect.stringMatching(/\.png$/) }] } }] },
      usage: { width: 768, height: 768, image_count: 1 },
    });
  });
});

describe("the synchronous edit", () => {
  it("answers in the long form, with the shape of its input and about a million pixels", async () => {
    const { sandbox, reply } = await ask(PATHS.edit, editRequest(await dataUri(600, 400)));
    expect(reply.json).toStrictEqual({
      status_code: 200,
      request_id: expect.stringMatching(/^[0-9a-f-]{36}$/),
      code: "",
      message: "",
      output: {
        text: null,
        finish_reason: null,
        choices: [
          {
            finish_reason: "stop",
            message: { role: "assistant", content: [{ image: expect.any(String) }] },
          },
        ],
      },
      usage: { input_tokens: 0, output_tokens: 0, width: 1248, image_count: 1, height: 832 },
    });
    const url = reply.json.output.choices[0]?.message.content[0]?.image ?? "";
    expect(url.startsWith(`${sandbox.origin}/qwen-image-edit/qwen-image-edit-`)).toBe(true);
    expect(await sharp((await get(url, {})).bytes).metadata()).toMatchObject({
      format: "png",
      width: 1248,
      height: 832,
    });
    const status = await get(`${sandbox.origin}/v2/requests/status/${reply.json.request_id}`);
    expect(status.status).toBe(404);
  });

  it("answers in the short form by a switch", async () => {
    const { reply } = await ask(PATHS.edit, editRequest(), { shapes: { shortEditReply: true } });
    expect(reply.json).toStrictEqual({
      status_code: 200,
      request_id: expect.any(String),
      output: { choices: [{ message: { content: [{ image: expect.any(String) }] } }] },
    });
  });

  it.each([
    ["data:image/png;base64,bm90IGEgcGljdHVyZQ==", "not a picture"],
    ["data:image/png,plain", "data:{type};base64"],
  ])("refuses a picture it cannot read, uncharged: %s", async (image, said) => {
    const { sandbox } = await openSandbox();
    const reply = await post(sandbox.origin + PATHS.edit, editRequest(image));
    expect(reply.status).toBe(400);
    expect(reply.json.message).toContain(said);
    expect(sandbox.requests()[0]?.charged).toBeUndefined();
  });
});

it("closing the sandbox ends a synchronous request in flight", async () => {
  const { sandbox, clock } = await openSandbox();
  const reply = post(sandbox.origin + PATHS.generate, generateRequest()).catch(() => "cut off");
  await advanceWhenAwaited(clock, 1);
  await sandbox.close();
  expect(await reply).toBe("cut off");
  expect(clock.pending).toBe(0);
});
