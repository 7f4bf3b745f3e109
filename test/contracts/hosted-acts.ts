import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Claimed, HostingRecord, StagedFile } from "../../src/inputs/hosting-record.ts";

export function stagedFile(name: string, sizeBytes = 1): StagedFile {
  return { name, sizeBytes, url: `https://x.example/${name}`, sha256: "ab", path: "" };
}

/** What a process does with a record and with the files that it is about, which lie in a folder. */
export function hostedActs(record: HostingRecord, place: string) {
  const folder = join(place, "files");
  const pathOf = (name: string) => join(folder, name);
  const read = (name: string) => readFile(pathOf(name), "utf8").catch(() => undefined);
  /** Who is about to change a file, so that another that does so as well is found out. */
  async function alone<T>(work: () => Promise<T>): Promise<T> {
    const flag = join(place, "someone");
    await writeFile(flag, "", { flag: "wx" });
    try {
      // Whoever does not wait for the end of this has its turn now.
      for (let turns = 0; turns < 3; turns++) await new Promise((go) => setImmediate(go));
      return await work();
    } finally {
      await rm(flag);
    }
  }
  const acts = {
    read,
    async claim(
      owner: string,
      jobId: string,
      names: readonly string[],
      limits: { sizeBytes?: number; maxBytes?: number; maxOwnBytes?: number } = {},
    ): Promise<Claimed> {
      const { sizeBytes = 1, maxBytes = 1_000, maxOwnBytes } = limits;
      const files = names.map((name) => stagedFile(name, sizeBytes));
      await mkdir(folder, { recursive: true });
      return record.claim({ owner, jobId, files, maxBytes, maxOwnBytes }, ({ name }) =>
        alone(() => writeFile(pathOf(name), name)),
      );
    },
    async release(owner: string, jobId: string): Promise<void> {
      await record.release(owner, jobId, (name) => alone(() => rm(pathOf(name))));
    },
    /** What a job still needs and what of it is there. */
    async held(owner: string, jobId: string): Promise<[string, boolean][]> {
      const held: [string, boolean][] = [];
      await record.holding(owner, jobId, ({ name }) =>
        alone(async () => {
          held.push([name, (await read(name)) === name]);
        }),
      );
      return held;
    },
    /** A whole life of a job, as short as it gets. */
    async live(owner: string, jobId: string, name: string): Promise<[string, boolean][]> {
      await acts.claim(owner, jobId, [name]);
      const held = await acts.held(owner, jobId);
      await acts.release(owner, jobId);
      return held;
    },
  };
  return acts;
}
