import { createHash } from "node:crypto";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import sharp from "sharp";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import * as z from "zod";
import { freePortPair, openTunnel, type Tunnel } from "../support/tunnel.ts";
import { atItsEnd, jobIdOf, textOf, urlsOf } from "./answers.ts";
import { Bench } from "./harness.ts";
import type { McpClient } from "./mcp-client.ts";
import { casesOf, WAYS } from "./ways.ts";

/** Every operation that takes a picture, and how. */
const OPERATIONS = [
  { name: "qwen_image_max_edit", field: "image_urls", many: true, inline: false, words: true },
  {
    name: "qwen_image_edit_plus_lora",
    field: "image_urls",
    many: true,
    inline: false,
    words: true,
  },
  { name: "qwen_image_layered", field: "image_url", many: false, inline: false, words: false },
  { name: "qwen_image_edit", field: "image", many: false, inline: true, words: true },
] as const;

const png = (background: string) =>
  sharp({ create: { width: 320, height: 200, channels: 3, background } })
    .png()
    .toBuffer();
const dataUri = (bytes: Buffer) => `data:image/png;base64,${bytes.toString("base64")}`;
const sha256 = (data: Buffer | string) => createHash("sha256").update(data).digest("hex");

const bodySchema = z.looseObject({
  image_urls: z.array(z.string()).optional(),
  image_url: z.string().optional(),
  input: z
    .looseObject({
      messages: z.array(
        z.looseObject({ content: z.array(z.looseObject({ image: z.string().optional() })) }),
      ),
    })
    .optional(),
});

/** The picture addresses of the newest purchase, as the upstream recorded them. */
function received(bench: Bench): string[] {
  const posts = bench.sandbox.requests().filter((one) => one.method === "POST");
  const body = bodySchema.parse(posts.at(-1)?.body);
  const inline = (body.input?.messages ?? []).flatMap((message) =>
    message.content.flatMap((part) => part.image ?? []),
  );
  return [body.image_urls ?? [], body.image_url ?? [], inline].flat();
}

function argumentsFor({ field, many, words }: (typeof OPERATIONS)[number], input: string) {
  // The same picture comes in many ways, which would otherwise be the same call again.
  const prompt = words ? { prompt: "Make it night" } : {};
  return { ...prompt, [field]: many ? [input] : input, force_new: true };
}

describe.each(WAYS)("$kind over $transport, with a public address", (way) => {
  let bench: Bench;
  let client: McpClient;
  let picture: Buffer;
  let tunnel: Tunnel;
  let made: { reference: string; url: string };

  beforeAll(async () => {
    bench = await Bench.open();
    const port = await freePortPair();
    tunnel = await openTunnel(port + 1);
    const pictures = join(bench.homeDir, "pictures");
    await mkdir(pictures, { recursive: true });
    picture = await png("#3366cc");
    await writeFile(join(bench.folder, "relative ü.png"), picture);
    await writeFile(join(pictures, "mine.png"), picture);
    ({ client } = await bench.connect(way.kind, way.transport, {
      LONGCAT_MCP_PUBLIC_URL: tunnel.url,
      LONGCAT_MCP_INPUT_DIRS: "~/pictures",
      ...(way.transport === "http"
        ? { LONGCAT_MCP_PORT: String(port) }
        : { LONGCAT_MCP_PUBLIC_PORT: String(port + 1) }),
    }));
    const result = await client.call("z_image_turbo_generate", {
      prompt: "A cat",
      image_size: "square_1_1",
    });
    made = { reference: `longcat://media/${jobIdOf(result)}/1`, url: urlsOf(result)[0] ?? "" };
  });

  afterAll(async () => {
    tunnel.close();
    await bench.close();
  });

  /** What the upstream fetched at an address, which leads nowhere once the job has ended. */
  const fetched = async (url: string): Promise<Buffer> => {
    expect((await fetch(url)).status).toBe(404);
    return tunnel.bytesOf(url) ?? Buffer.alloc(0);
  };

  describe.each(casesOf(way, OPERATIONS))("$name", (operation) => {
    const start = async (input: string) => {
      const started = await client.call(operation.name, argumentsFor(operation, input));
      const result = await atItsEnd(client, started);
      expect(textOf(result)).toMatch(/ completed in /);
      return { text: textOf(started) + textOf(result), sent: received(bench)[0] ?? "" };
    };

    test("a URL is passed on as it is", async () => {
      expect((await start(made.url)).sent).toBe(made.url);
      expect((await start("https://example.com/a.png")).sent).toBe("https://example.com/a.png");
    });

    test("an earlier result goes by its own fresh URL", async () => {
      const { sent, text } = await start(made.reference);
      expect(sent).toBe(made.url);
      expect(text).not.toContain("http: address");
    });

    test.each([
      ["an absolute path", () => join(bench.folder, "relative ü.png")],
      ["a relative path", () => "relative ü.png"],
      ["a path below ~", () => "~/pictures/mine.png"],
      ["a file URL", () => pathToFileURL(join(bench.folder, "relative ü.png")).href],
    ])("%s brings the file's own bytes", async (_, input) => {
      const { sent } = await start(input());
      if (operation.inline) {
        const uri = dataUri(picture);
        expect(sent).toContain(`(${uri.length} characters, sha256 ${sha256(uri)})`);
      } else {
        expect(sent).toMatch(new RegExp(`^${tunnel.url}/files/[a-z2-7]{26}\\.png$`));
        expect((await fetched(sent)).equals(picture)).toBe(true);
      }
    });

    test("a data URI brings its bytes", async () => {
      const uri = dataUri(picture);
      const { sent, text } = await start(uri);
      const isData = sent.startsWith("data:");
      if (isData) expect(sent).toContain(`sha256 ${sha256(uri)}`);
      else expect((await fetched(sent)).equals(picture)).toBe(true);
      const isUnpromised = operation.name === "qwen_image_edit_plus_lora";
      expect(isData).toBe(operation.inline || isUnpromised);
      expect(text.includes("do not promise")).toBe(isUnpromised);
    });
  });

  test("several pictures of several origins keep their order", async () => {
    const image_urls = [made.reference, "relative ü.png", "https://example.com/b.png"];
    await client.call("qwen_image_edit_plus_lora", { prompt: "Together", image_urls });
    const sent = received(bench);
    expect([sent[0], sent[2]]).toEqual([made.url, "https://example.com/b.png"]);
    expect((await fetched(sent[1] ?? "")).equals(picture)).toBe(true);
  });

  test("the same picture named in another way is the same call, and nothing is bought again", async () => {
    const prompt = "Make it a rainy day";
    const first = await client.call("qwen_image_edit", { prompt, image: "relative ü.png" });
    const posts = bench.posts;
    for (const image of ["~/pictures/mine.png", dataUri(picture)]) {
      const again = await client.call("qwen_image_edit", { prompt, image });
      expect(jobIdOf(again)).toBe(jobIdOf(first));
    }
    await writeFile(join(bench.folder, "relative ü.png"), await png("#3366cd"));
    const other = await client.call("qwen_image_edit", { prompt, image: "relative ü.png" });
    await writeFile(join(bench.folder, "relative ü.png"), picture);
    expect(jobIdOf(other)).not.toBe(jobIdOf(first));
    expect(bench.posts).toBe(posts + 1);
  });

  test("a hosted picture is the same call again too, whatever its address", async () => {
    // A result that nobody has had yet stands for the same call much longer than one that came.
    const unseen = { wait_seconds: 0 };
    const first = await client.call("qwen_image_layered", {
      image_url: "relative ü.png",
      force_new: true,
      ...unseen,
    });
    const again = await client.call("qwen_image_layered", {
      image_url: "~/pictures/mine.png",
      ...unseen,
    });
    expect(jobIdOf(again)).toBe(jobIdOf(first));
  });

  test("what the answer and the records say does not carry the bytes", async () => {
    const image = dataUri(await png("#101010"));
    const result = await client.call("qwen_image_edit", { prompt: "Brighter", image });
    const job = await client.read(`longcat://jobs/${jobIdOf(result)}`);
    expect(textOf(result) + job.text).not.toContain(image.slice(30));
  });

  test("a file that hides where it was taken is sent without that, and the answer says so", async () => {
    const photo = await sharp(picture)
      .withExif({ IFD3: { GPSLatitudeRef: "N", GPSLatitude: "48/1 8/1 0/1" } })
      .jpeg()
      .toBuffer();
    await writeFile(join(bench.folder, "photo.jpg"), photo);
    const result = await client.call("qwen_image_layered", { image_url: "photo.jpg" });
    expect(textOf(result)).toContain("photo.jpg was sent changed: its location was removed.");
    const sent = await fetched(received(bench)[0] ?? "");
    expect((await sharp(sent).metadata()).exif).toBeUndefined();
  });
});

describe("without a public address", () => {
  let bench: Bench;
  let client: McpClient;

  beforeEach(async () => {
    bench = await Bench.open();
    ({ client } = await bench.connect("client 2.x"));
    await writeFile(join(bench.folder, "a.png"), await png("#123456"));
  });

  afterEach(() => bench.close());

  test.each(OPERATIONS.filter(({ inline }) => !inline))(
    "$name refuses a local file, naming what would work; nothing is recorded or sent",
    async (operation) => {
      const result = await client.call(operation.name, argumentsFor(operation, "a.png"));
      expect(result.isError).toBe(true);
      for (const word of [
        "LONGCAT_MCP_PUBLIC_URL",
        "LONGCAT_MCP_PUBLIC_PORT",
        "`qwen_image_edit`",
      ]) {
        expect(textOf(result)).toContain(word);
      }
      expect(bench.posts).toBe(0);
      const listed = await client.call("job_list", {});
      expect(listed.structuredContent?.["jobs"]).toEqual([]);
    },
  );

  test("generate, edit and split with nothing but references to results", async () => {
    const reference = (result: Awaited<ReturnType<McpClient["call"]>>) =>
      `longcat://media/${jobIdOf(result)}/1`;
    const made = await client.call("z_image_turbo_generate", {
      prompt: "A cat",
      image_size: "square_1_1",
    });
    const edited = await client.call("qwen_image_edit", {
      prompt: "Give it a hat",
      image: reference(made),
    });
    const again = await client.call("qwen_image_max_edit", {
      prompt: "Make the hat red",
      image_urls: [reference(edited)],
    });
    const layered = await client.call("qwen_image_layered", { image_url: reference(again) });
    expect(textOf(layered)).toMatch(/ completed in /);
    expect(received(bench)).toEqual([urlsOf(again)[0]]);
  });

  test.each([
    ["a file elsewhere", "/etc/passwd", /outside the allowed folders/],
    ["a missing file", "nothing.png", /does not exist/],
    ["a folder", ".", /is a folder/],
    ["a reference to no job", `longcat://media/job_${"a".repeat(26)}/1`, /no job/],
    ["something else", "ftp://example.com/a.png", /needs an https URL/],
    ["a data URI that is no picture", "data:image/png;base64,aGVsbG8=", /not a picture/],
  ])("%s is refused before anything is recorded", async (_, image, message) => {
    const result = await client.call("qwen_image_edit", { prompt: "x", image });
    expect(result.isError).toBe(true);
    expect(textOf(result)).toMatch(message);
    expect(bench.posts).toBe(0);
    const listed = await client.call("job_list", {});
    expect(listed.structuredContent?.["jobs"]).toEqual([]);
  });

  test("a picture that is too large for a request is made smaller, or refused where that is off", async () => {
    const noise = await sharp({
      create: {
        width: 2200,
        height: 2200,
        channels: 3,
        background: "#808080",
        noise: { type: "gaussian", mean: 128, sigma: 60 },
      },
    })
      .png({ compressionLevel: 1 })
      .toBuffer();
    expect(noise.length).toBeGreaterThan(10_000_000);
    await writeFile(join(bench.folder, "large.png"), noise);
    const off = await bench.connect("client 2.x", "stdio", { LONGCAT_MCP_SHRINK_INPUTS: "off" });
    const refused = await off.client.call("qwen_image_edit", { prompt: "x", image: "large.png" });
    const exact = noise.length.toLocaleString("en-US");
    expect(textOf(refused)).toContain(`${exact} bytes, more than the 10,000,000 bytes`);
    expect(textOf(refused)).toContain("LONGCAT_MCP_SHRINK_INPUTS=on");
    expect(bench.posts).toBe(0);

    const sent = await client.call("qwen_image_edit", { prompt: "x", image: "large.png" });
    expect(textOf(sent)).toMatch(/ completed in [\s\S]*Note: image was sent smaller: /);
    expect(textOf(sent)).toContain(`instead of ${exact} bytes`);
  });
});

test("the built-in sandbox takes local files everywhere, without any setting", async () => {
  const bench = await Bench.open();
  try {
    const { client } = await bench.connect("sdk 1.x", "stdio", {
      LONGCAT_MCP_SANDBOX: "on",
      LONGCAT_MCP_SANDBOX_SPEED: "20",
    });
    await writeFile(join(bench.folder, "a.png"), await png("#654321"));
    const result = await client.call("qwen_image_layered", { image_url: "a.png" });
    expect(textOf(result)).toMatch(/ completed in /);
    expect(textOf(result)).toContain("320×200");
  } finally {
    await bench.close();
  }
});
