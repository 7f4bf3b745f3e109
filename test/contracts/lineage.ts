import { expect, it } from "vitest";
import type { WholeJob } from "../../src/jobs/job.ts";
import type { JobStore } from "../../src/jobs/job-store.ts";
import { type LineageRecord, namesOf } from "../../src/jobs/lineage.ts";
import { aJob, aMedium, record } from "../support/made-jobs.ts";

const EDIT = "qwen_image_edit";
const MANY = 100;

const edit = (input: Record<string, unknown>, more: Partial<WholeJob> = {}) =>
  aJob({ operation: EDIT, input: { prompt: "Red", ...input }, ...more });

/** Holds an implementation of `LineageRecord` to what a page of a job relies on. */
export function describeLineage(
  open: () => Promise<{ store: JobStore; lineage: LineageRecord }>,
): void {
  it("finds what was made of a picture, by each of its names, and nothing of others'", async () => {
    const { store, lineage } = await open();
    const medium = aMedium({ copies: ['/home/me/a "copy".png'], url: "https://cdn.example/a.png" });
    const parent = aJob({ media: [medium] });
    await record(store, parent);
    const names = namesOf(parent, medium);
    const children = names.map((image) =>
      edit(image.startsWith("longcat") ? { image: [image] } : { image }),
    );
    for (const child of children) await record(store, child);
    await record(store, edit({ image: `${names[0]}0` }), edit({ prompt: `like ${names[0]}` }));
    await record(store, edit({ image: names[0] }, { owner: "eve" }));
    await record(store, aJob({ operation: "qwen_image_layered", input: { image: names[0] } }));

    const found = await lineage.thatName("local", names, parent, [EDIT], MANY);
    expect(found.map(({ jobId }) => jobId)).toEqual(children.map(({ jobId }) => jobId).reverse());
    expect(found[0]?.prompt).toBe("Red");
    expect(await lineage.thatName("local", names, parent, [EDIT], 2)).toHaveLength(2);
    expect(await lineage.thatName("local", names, parent, [], MANY)).toEqual([]);
    expect(await lineage.thatName("local", [], parent, [EDIT], MANY)).toEqual([]);
  });

  it("finds whose file one is by its place, a copy's or its address, and by nothing like it", async () => {
    const { store, lineage } = await open();
    const medium = aMedium({ copies: ['C:\\me\\"a".png'], url: "https://cdn.example/a.png" });
    const parent = aJob({ media: [medium] });
    await record(store, parent, aJob({ media: [aMedium()] }));
    for (const name of namesOf(parent, medium).slice(1)) {
      expect((await lineage.thatHas("local", name))?.jobId).toBe(parent.jobId);
      expect(await lineage.thatHas("local", name.slice(0, -1))).toBeUndefined();
      expect(await lineage.thatHas("eve", name)).toBeUndefined();
    }
  });
}
