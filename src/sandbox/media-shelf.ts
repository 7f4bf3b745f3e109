import { createHash } from "node:crypto";
import type { SandboxJob } from "./archive.ts";
import type { Commission } from "./contract/commission.ts";
import type { Painter } from "./painter/painter.ts";

/** Who makes the files. */
export type Artist = Pick<Painter, "render">;

/** Path of the picture that the documented example of a finished request shows. */
export const DEMO_PICTURE_PATH = "/results/demo-completed.png";

export interface StoredMedia {
  bytes: Buffer;
  etag: string;
}

const CACHE_BYTES = 48 * 1024 * 1024;

/** Finished files: made when first asked for, the same every time, the latest kept at hand. */
export class MediaShelf {
  readonly #painter: Artist;
  readonly #made = new Map<string, Promise<StoredMedia>>();
  readonly #sizes = new Map<string, number>();

  constructor(painter: Artist) {
    this.#painter = painter;
  }

  /** One of a job's files, counted from 0; undefined where the job has no usable inputs. */
  async file(job: SandboxJob, index: number): Promise<StoredMedia | undefined> {
    const inputs = await job.inputs;
    const path = job.files[index]?.path;
    if ("problem" in inputs || path === undefined) return undefined;
    return await this.#keep(path, () => this.#painter.render(job.commission, index, inputs));
  }

  /** The picture of the older status operation's example. */
  async demo(): Promise<StoredMedia> {
    return await this.#keep(DEMO_PICTURE_PATH, () => this.#painter.render(DEMO, 0, []));
  }

  async #keep(path: string, make: () => Promise<Buffer>): Promise<StoredMedia> {
    const known = this.#made.get(path);
    // Taken out and put back, so that the map's order is the order of use.
    this.#made.delete(path);
    const stored = known ?? make().then(store);
    this.#made.set(path, stored);
    try {
      const { bytes } = await stored;
      this.#sizes.set(path, bytes.length);
    } catch (error) {
      this.#made.delete(path);
      throw error;
    }
    this.#shrink();
    return await stored;
  }

  #shrink(): void {
    let total = [...this.#sizes.values()].reduce((sum, size) => sum + size, 0);
    for (const path of this.#made.keys()) {
      if (total <= CACHE_BYTES || this.#made.size === 1) return;
      total -= this.#sizes.get(path) ?? 0;
      this.#made.delete(path);
      this.#sizes.delete(path);
    }
  }
}

function store(bytes: Buffer): StoredMedia {
  return { bytes, etag: `"${createHash("sha256").update(bytes).digest("hex").slice(0, 32)}"` };
}

const DEMO: Commission = {
  title: "LongCat-Image",
  output: "pictures",
  prompt: "A cat on a mountain at sunset",
  count: 1,
  format: "png",
  size: { width: 1024, height: 768 },
  inputs: [],
  seed: "demo",
  watermark: false,
  aboutOneMegapixel: false,
  fast: false,
  webhook: undefined,
};
