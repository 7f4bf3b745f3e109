import { mkdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { beforeEach } from "vitest";
import { findFiles } from "../../src/chat/find-files.ts";
import type { Places } from "../../src/media/allowed-files.ts";
import { tempDir } from "./temp-dir.ts";

export interface ProjectFolder {
  readonly root: string;
  readonly places: Places;
  put(name: string, content?: string | Buffer): Promise<void>;
  /** What patterns find, by the names that a model is told. */
  namesOf(...patterns: string[]): Promise<string[]>;
}

/** An empty folder of a project, anew for each test of a file. */
export function projectFolder(): ProjectFolder {
  let root = "";
  const placesOf = () => ({ allowedDirs: [root], workingDir: root, homeDir: join(root, "home") });
  beforeEach(async () => {
    root = join(await tempDir(), "project");
    await mkdir(root);
  });
  return {
    get root() {
      return root;
    },
    get places() {
      return placesOf();
    },
    async put(name, content = name) {
      await mkdir(dirname(join(root, name)), { recursive: true });
      await writeFile(join(root, name), content);
    },
    namesOf: async (...patterns) => (await findFiles(patterns, placesOf())).map(({ name }) => name),
  };
}
