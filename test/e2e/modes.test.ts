import { copyFile, mkdir, readdir, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { jobIdOf, pathsOf, textOf } from "./answers.ts";
import { openBench } from "./harness.ts";

/** What is below a folder, itself included, with its mode as `ls` would count it. */
async function modesIn(folder: string): Promise<{ path: string; mode: string }[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const paths = [folder, ...entries.map((entry) => join(entry.parentPath, entry.name))];
  return Promise.all(
    paths.map(async (path) => {
      const found = await stat(path);
      return { path, mode: `${found.isFile()} ${(found.mode & 0o777).toString(8)}` };
    }),
  );
}

test.skipIf(process.platform === "win32")(
  "whatever is written belongs to its user alone, after every kind of job and under any umask",
  async () => {
    const before = process.umask(0);
    onTestFinished(() => void process.umask(before));
    const bench = await openBench();
    const { client, program } = await bench.connect("sdk 1.x", "stdio", {
      LONGCAT_MCP_SANDBOX: "on",
      LONGCAT_MCP_SANDBOX_SPEED: "20",
    });
    const made = async (name: string, args: Record<string, unknown>) => {
      const result = await client.call(name, { wait_seconds: 45, ...args });
      expect(textOf(result), name).toContain("completed");
      return result;
    };
    const [own, saved] = [join(bench.folder, "own"), join(bench.folder, "saved")];
    await mkdir(own);

    const first = await made("longcat_image_generate", {
      ...{ prompt: "A fox", image_size: "square_1_1", save_to: join(saved, "a", "b") },
    });
    const picture = pathsOf(first)[0] ?? "";
    await made("z_image_turbo_generate", {
      ...{ prompt: "Five foxes", image_size: "square_1_1", num_images: 4 },
    });
    const image_url = `longcat://media/${jobIdOf(first)}/1`;
    const layered = await made("qwen_image_layered", { image_url });
    for (const name of ["1.png", "2.png"]) await copyFile(picture, join(own, name));
    await writeFile(join(own, "1.txt"), "A fox");
    await made("qwen_image_edit", { prompt: "At night", image: join(own, "1.png") });
    await made("qwen_image_max_edit", { prompt: "At night", image_urls: [join(own, "2.png")] });
    const asked = await client.call("longcat_chat", {
      ...{ prompt: "write 50 words", files: ["own/1.txt"], save_to: join(saved, "answer.md") },
      ...{ wait_seconds: 45 },
    });
    expect(textOf(asked)).toContain(join(saved, "answer.md"));
    await client.call("job_delete", { job_id: jobIdOf(layered) });

    const check = async () => {
      const all = await Promise.all([bench.dataDir, bench.outputDir, saved].map(modesIn));
      const open = all.flat().filter(({ mode }) => mode !== "true 600" && mode !== "false 700");
      expect(all.flat().length).toBeGreaterThan(20);
      expect(open).toEqual([]);
    };
    await check();
    await client.close();
    await program.exited();
    await check();
  },
);
