import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { DatabaseSync } from "@photostructure/sqlite";
import { expect, test } from "vitest";
import { systemClock } from "../../../src/core/clock.ts";
import type { JobState } from "../../../src/jobs/job.ts";
import { accepted, completed, file, scriptedGateway } from "../../support/gateway-script.ts";
import { picture } from "../../support/pictures.ts";
import { OWNER, openRig } from "../../support/rig.ts";
import { tempDir } from "../../support/temp-dir.ts";

/** A minute after the first of the stored jobs was started. */
const NOW = 1_795_176_060_000;
/** Versions of the database of which a stored one has a job in every state. */
const VERSIONS = [5, 7, 10, 11, 13, 15, 16, 17, 18];

const jobNamed = (letter: string) => ({ jobId: `job_${letter.repeat(26)}` });

/** The folders of an earlier version, moved to a gateway and a folder of this test. */
async function earlierFolders(version: number, origin: string, bytes: Buffer) {
  const folder = await tempDir();
  const path = join(folder, "pictures", "2026-11-20", "boat.png");
  for (const one of ["data", "pictures/2026-11-20"])
    await mkdir(join(folder, one), { recursive: true });
  await writeFile(path, bytes);
  const stored = join(import.meta.dirname, `../../fixtures/jobs-v${version}.db.gz`);
  const database = join(folder, "data", "jobs.db");
  await writeFile(database, gunzipSync(await readFile(stored)));
  const db = new DatabaseSync(database);
  db.prepare("UPDATE jobs SET base_url = ? WHERE base_url = 'https://gateway.example'").run(origin);
  db.prepare("UPDATE jobs SET media_urls = ? WHERE state = 'downloading'").run(
    JSON.stringify([`${origin}/media/1.png`]),
  );
  db.prepare("UPDATE jobs SET media = replace(media, '/pictures/boat.png', ?)").run(path);
  db.close();
  return { folder, path };
}

test.each(VERSIONS)(
  "a database of version %i and a media folder go on, jobs in every state",
  async (version) => {
    const bytes = await picture();
    const gateway = await scriptedGateway({
      submit: [accepted],
      status: [completed("a.png")],
      media: [file(bytes)],
    });
    const { folder, path } = await earlierFolders(version, gateway.origin, bytes);
    const rig = await openRig({
      origin: gateway.origin,
      folder,
      clock: { ...systemClock, now: () => NOW },
      isGone: (holder) => holder === "a-process-that-is-gone",
    });

    const ends: [string, JobState, string][] = [
      ["a", "completed", "spent"],
      ["b", "unknown", "uncertain"],
      ["c", "completed", "spent"],
      ["d", "completed", "spent"],
      ["e", "completed", "spent"],
      ["f", "failed", "none"],
      ["g", "errored", "none"],
      ["h", "unknown", "uncertain"],
      ["i", "cancelled", "none"],
    ];
    for (const [letter, state, charge] of ends) {
      expect((await rig.reached(jobNamed(letter), state)).charge, letter).toBe(charge);
    }
    // Only what had never been sent was.
    expect(gateway.posts).toHaveLength(1);
    for (const letter of ["a", "c", "d"]) {
      const [medium] = (await rig.get(jobNamed(letter))).media;
      expect(medium?.path.startsWith(rig.outputDir)).toBe(true);
      expect((await readFile(medium?.path ?? "")).equals(bytes)).toBe(true);
    }
    const earlier = await rig.get(jobNamed("e"));
    expect(earlier.media).toMatchObject([{ index: 1, path }]);
    expect((await rig.runner.restore(earlier)).media).toEqual(earlier.media);
    expect((await readFile(path)).equals(bytes)).toBe(true);
    expect((await rig.store.list({ owner: OWNER, limit: 100 })).jobs).toHaveLength(11);
  },
);
