import { readFile } from "node:fs/promises";
import { request } from "undici";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { OPERATIONS } from "../../src/models/catalogue.ts";
import { finished, jobIdOf, pathsOf, textOf, urlsOf } from "./answers.ts";
import { Bench, closeInspected, TRANSPORTS } from "./harness.ts";
import { CLIENTS, type McpClient } from "./mcp-client.ts";

const STARTED_MAGIC: Record<string, string> = { png: "89504e47", jpg: "ffd8ff", webp: "52494646" };

/** The smallest useful arguments of each operation; pictures come from the upstream itself. */
function argumentsFor(name: string, picture: string): Record<string, unknown> {
  const prompt = `A lighthouse in a storm, for ${name}`;
  switch (name) {
    case "qwen_image_max_edit":
    case "qwen_image_edit_plus_lora":
      return { prompt, image_urls: [picture] };
    case "qwen_image_edit_plus_train":
      return { image_data_url: "https://example.com/lighting-training.zip", steps: 10 };
    case "qwen_image_layered":
      return { image_url: picture };
    case "qwen_image_edit":
      return { prompt, image: picture };
    case "qwen_image_generate":
      return { prompt, size: "512*512" };
    case "qwen_image_max_generate":
      return { prompt };
    default:
      return { prompt, image_size: "landscape_4_3" };
  }
}

describe.each(CLIENTS)("%s", (kind) => {
  describe.each(TRANSPORTS)("over %s", (transport) => {
    let bench: Bench;
    let client: McpClient;
    let picture: string;

    beforeAll(async () => {
      bench = await Bench.open();
      ({ client } = await bench.connect(kind, transport));
      const made = await client.call("z_image_turbo_generate", {
        prompt: "An input picture",
        image_size: "square_1_1",
      });
      picture = urlsOf(made)[0] ?? "";
    });

    afterAll(() => closeInspected(bench));

    test.each(OPERATIONS.map((operation) => operation.name))(
      "%s: start, status, resource; the bytes are those the upstream served",
      async (name) => {
        const started = await client.call(name, {
          ...argumentsFor(name, picture),
          wait_seconds: 0,
        });
        const jobId = jobIdOf(started);
        const done = await finished(client, jobId);
        expect(textOf(done)).toMatch(new RegExp(`^${jobId} completed in `));
        expect(done.isError ?? false).toBe(false);
        expect(done.structuredContent).toBeUndefined();

        const paths = pathsOf(done);
        const urls = urlsOf(done);
        const links = done.content.filter((block) => block.type === "resource_link");
        expect(paths.length).toBeGreaterThan(0);
        expect(links.map((link) => link.uri)).toEqual(
          paths.map((_, position) => `longcat://media/${jobId}/${position + 1}`),
        );
        // What comes after the provider's own files was made here of them.
        for (const [position, path] of paths.slice(0, urls.length).entries()) {
          const served = Buffer.from(
            await (await request(urls[position] ?? "")).body.arrayBuffer(),
          );
          const onDisk = await readFile(path);
          const resource = await client.read(`longcat://media/${jobId}/${position + 1}`);
          expect(onDisk.equals(served)).toBe(true);
          expect(resource.bytes.equals(served)).toBe(true);
        }

        const previews = done.content.filter((block) => block.type === "image");
        const isPicture = name !== "qwen_image_edit_plus_train";
        const pictures = paths.filter((path) => !path.endsWith(".json"));
        // Layers come as one sheet.
        const shown = name === "qwen_image_layered" ? 1 : pictures.length;
        expect(previews).toHaveLength(isPicture ? shown : 0);
        if (isPicture) {
          const magic = STARTED_MAGIC[/\.(\w+)$/.exec(paths[0] ?? "")?.[1] ?? ""] ?? "none";
          expect((await readFile(paths[0] ?? "")).toString("hex")).toMatch(new RegExp(`^${magic}`));
          const preview = await client.read(`longcat://media/${jobId}/1/preview`);
          expect(preview.mimeType).toMatch(/^image\/(jpeg|webp)$/);
        }
        const job: unknown = JSON.parse((await client.read(`longcat://jobs/${jobId}`)).text);
        expect(job).toMatchObject({ job_id: jobId, operation: name, state: "completed" });
      },
    );

    test("data comes as structured content and as the same JSON in text", async () => {
      const models = await client.call("image_models", {});
      expect(models.structuredContent).toEqual(JSON.parse(textOf(models)));
      expect(models.structuredContent?.["models"]).toHaveLength(OPERATIONS.length);
      const first = await client.call("job_list", { limit: 3 });
      const cursor = String(first.structuredContent?.["next_cursor"]);
      const second = await client.call("job_list", { limit: 3, cursor });
      const ids = [first, second].map((page) => JSON.stringify(page.structuredContent?.["jobs"]));
      expect(ids[0]).not.toEqual(ids[1]);
    });

    test("an unknown extra argument does no harm", async () => {
      const result = await client.call("image_models", { wait_for_previous: true });
      expect(result.isError ?? false).toBe(false);
    });

    test("a model card carries schema, price and source", async () => {
      const card: unknown = JSON.parse(
        (await client.read("longcat://models/qwen_image_max_edit")).text,
      );
      expect(card).toMatchObject({ operation: "qwen_image_max_edit", price_usd: null });
      expect(JSON.stringify(card)).toContain("image_urls");
    });

    test("templates are listed and complete job ids and operations", async () => {
      expect(await client.listTemplates()).toEqual([
        "longcat://jobs/{job_id}",
        "longcat://media/{job_id}/{index}",
        "longcat://media/{job_id}/{index}/preview",
        "longcat://threads/{thread_id}",
        "longcat://models/{operation}",
      ]);
      const listed = await client.listResources();
      const newest = /longcat:\/\/jobs\/(job_\w+)/.exec(listed.join("\n"))?.[1] ?? "";
      const values = await client.complete(
        "longcat://jobs/{job_id}",
        "job_id",
        newest.slice(0, 12),
      );
      expect(values).toContain(newest);
      expect(await client.complete("longcat://models/{operation}", "operation", "z_")).toEqual([
        "z_image_turbo_generate",
        "z_image_base_generate",
      ]);
    });

    test("prompts name the tools to use", async () => {
      const said = await client.prompt("edit_image", { wish: "https://a.example/b.png: x" });
      expect(said).toContain("qwen_image_edit");
    });

    test("the first line of the instructions says the essential", () => {
      expect(client.instructions()?.split("\n")[0]).toMatch(/start tools.*job.*job_status/);
    });

    test("an older request is looked up at the older endpoint", async () => {
      const done = await client.call("longcat_image_legacy_status", {
        request_id: "demo-completed",
      });
      expect(textOf(done)).toMatch(/^demo-completed: completed[\s\S]*\nhttps?:\/\//);
    });
  });
});
