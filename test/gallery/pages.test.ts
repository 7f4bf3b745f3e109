import { describe, expect, it } from "vitest";
import { AppError } from "../../src/core/errors.ts";
import { newJobId } from "../../src/core/ids.ts";
import { openGalleryRig, serveRig } from "../support/gallery-rig.ts";
import { aJob, aMedium, record } from "../support/made-jobs.ts";

const DAY = 86_400_000;
const NOON = Date.parse("2026-11-20T12:00:00Z");

async function open() {
  const rig = await openGalleryRig();
  const serving = await serveRig(rig);
  const visitor = await serving.visitor();
  return { ...rig, ...serving, visitor };
}

const ids = (text: string) =>
  [...text.matchAll(/<li class="card" id="(job_\w+)"/g)].map(([, id]) => id);

describe("the grid", () => {
  it("has everything that was made, newest first, by day, a page at a time", async () => {
    const { store, visitor } = await open();
    const jobs = Array.from({ length: 70 }, (_, at) =>
      aJob({ createdAt: NOON - DAY + at * 1_000, input: { prompt: `Cat ${at}` } }),
    );
    await record(store, ...jobs, aJob({ owner: "eve" }));
    const newest = jobs.map(({ jobId }) => jobId).reverse();
    const first = await visitor.get("/");
    expect(ids(first.text)).toEqual(newest.slice(0, 60));
    expect(first.text).toContain("19 November 2026");
    expect(first.text).toContain("Cat 69");
    const next = /href="(\/\?cursor=[^"]+)" rel="next"/.exec(first.text)?.[1] ?? "";
    const second = await visitor.get(next);
    expect(ids(second.text)).toEqual(newest.slice(60));
    expect(second.text).not.toContain('rel="next"');
  });

  it("is narrowed by words, operation, state and day, and says where nothing is found", async () => {
    const { store, visitor } = await open();
    const edit = aJob({ operation: "qwen_image_edit", input: { prompt: "A red fox" } });
    const failed = aJob({ state: "failed", charge: "none", createdAt: NOON - 5 * DAY });
    const doubt = aJob({ state: "unknown", charge: "uncertain" });
    await record(store, failed, doubt, edit);
    const found = async (query: string) => ids((await visitor.get(`/?${query}`)).text);
    expect(await found("q=fox")).toEqual([edit.jobId]);
    expect(await found("operation=qwen_image_edit")).toEqual([edit.jobId]);
    expect(await found("state=failed")).toEqual([failed.jobId]);
    expect(await found("state=doubt")).toEqual([doubt.jobId]);
    expect(await found("from=2026-11-18")).toEqual([edit.jobId, doubt.jobId]);
    expect(await found("to=2026-11-16&state=")).toEqual([failed.jobId]);
    for (const nothing of ["q=cow", "state=odd", "operation=odd"]) {
      const { text, status } = await visitor.get(`/?${nothing}`);
      expect([status, text.includes("Nothing was found.")]).toEqual([200, true]);
    }
    for (const odd of [
      "q=%21%21",
      "from=yesterweek",
      "from=2026-11-20&to=2026-11-01",
      "cursor=x",
    ]) {
      const { text, status } = await visitor.get(`/?${odd}`);
      expect([status, text.includes("cannot be searched for")]).toEqual([200, true]);
    }
  });

  it("shows pictures small and lazily with their sizes, and how what is unfinished is doing", async () => {
    const { store, visitor, clock } = await open();
    const done = aJob({ media: [aMedium({ width: 640, height: 480 }), aMedium({ index: 2 })] });
    const running = aJob({
      ...{ state: "running", charge: "reserved", costUsd: null, completedAt: null },
      createdAt: clock.now() - 5_000,
    });
    await record(store, done, running);
    const { text } = await visitor.get("/");
    expect(text).toContain(
      `<img class="cover" src="/thumbs/${done.jobId}/1" width="640" height="480" alt="" loading="lazy"`,
    );
    expect(text).toContain('<span class="count">2<');
    expect(text).toMatch(/<progress aria-label="Progress" data-since="\d+" data-usual="6000">/);
    expect(text).toContain("Being made");
    const { text: card } = await visitor.get(`/cards/${running.jobId}`);
    expect(ids(card)).toEqual([running.jobId]);
    expect(card).not.toContain("<html");
  });

  it("welcomes whoever has made nothing yet", async () => {
    const { visitor } = await open();
    expect((await visitor.get("/")).text).toContain("There is nothing here yet.");
  });
});

describe("the page of a job", () => {
  it("has the picture, prompt, arguments, cost and files", async () => {
    const { store, visitor, aPicture } = await open();
    const job = aJob({ input: { prompt: "A cat\non a wall", image_size: "square_1_1", seed: 7 } });
    const medium = await aPicture(job);
    await record(store, { ...job, media: [medium], warnings: ["It took long."] });
    const { text, status } = await visitor.get(`/jobs/${job.jobId}`);
    expect(status).toBe(200);
    for (const part of [
      "A cat\non a wall",
      "<dt>image_size</dt><dd>square_1_1</dd>",
      "<dt>seed</dt><dd>7</dd>",
      "<dt>Cost</dt><dd>$0.01</dd>",
      "<dt>Took</dt><dd>2 s</dd>",
      `<dd>${medium.path}</dd>`,
      "It took long.",
      `src="/pictures/${job.jobId}/1" alt="A cat on a wall" width="64" height="48"`,
    ]) {
      expect(text).toContain(part);
    }
    const [thumb, whole, kept] = await Promise.all(
      ["thumbs", "pictures", "download"].map((place) => visitor.get(`/${place}/${job.jobId}/1`)),
    );
    expect([thumb?.status, whole?.status, kept?.status]).toEqual([200, 200, 200]);
    expect(thumb?.headers["content-type"]).toBe("image/webp");
    expect(whole?.headers["content-type"]).toBe("image/png");
    expect(whole?.headers["content-disposition"]).toBeUndefined();
    expect(whole?.bytes).toHaveLength(medium.sizeBytes);
    expect(kept?.headers["content-disposition"]).toMatch(/^attachment; filename="z-\w+-1\.png"/);
    const part = await visitor.get(`/pictures/${job.jobId}/1`, { range: "bytes=0-3" });
    expect([part.status, part.bytes.toString("latin1")]).toEqual([206, "\x89PNG"]);
  });

  it("says of what a picture was made, and what was made of it", async () => {
    const { store, visitor } = await open();
    const parent = aJob({ input: { prompt: "The parent" }, media: [aMedium()] });
    const uri = `longcat://media/${parent.jobId}/1`;
    const child = aJob({
      ...{ operation: "qwen_image_edit", input: { prompt: "The child", image: uri } },
      media: [aMedium()],
    });
    const layers = aJob({ operation: "qwen_image_layered", input: { image_url: uri } });
    const copied = aJob({
      operation: "qwen_image_edit",
      input: { prompt: "By its path", image: parent.media[0]?.path },
    });
    await record(store, parent, child, layers, copied);
    const related = async (jobId: string, name: string) => {
      const { text } = await visitor.get(`/jobs/${jobId}`);
      const section = text.split("<section").find((one) => one.includes(`<h2>${name}</h2>`));
      return ids(section ?? "");
    };
    const made = [copied.jobId, layers.jobId, child.jobId];
    expect(await related(parent.jobId, "What was made from it")).toEqual(made);
    expect(await related(parent.jobId, "Made from")).toEqual([]);
    for (const { jobId } of [child, layers, copied]) {
      expect(await related(jobId, "Made from")).toEqual([parent.jobId]);
    }
    expect((await visitor.get(`/jobs/${child.jobId}`)).text).toContain(
      `data-before="/pictures/${parent.jobId}/1" data-after="/pictures/${child.jobId}/1"`,
    );
    expect((await visitor.get(`/jobs/${parent.jobId}`)).text).not.toContain("data-before");
  });

  it("lets a person settle what is in doubt, and correct it", async () => {
    const { store, visitor, parts } = await open();
    const job = aJob({ state: "unknown", charge: "uncertain", costUsd: null, media: [] });
    await record(store, job, aJob());
    const heard: string[] = [];
    parts.events.subscribe("local", ({ charge }) => heard.push(charge));
    const page = await visitor.get(`/jobs/${job.jobId}`);
    expect(page.text).toContain("Was it charged?");
    expect(page.text).not.toContain("/delete");
    const settled = await visitor.post(`/jobs/${job.jobId}/settle`, { verdict: "charged" });
    expect([settled.status, settled.headers.location]).toEqual([303, `/jobs/${job.jobId}`]);
    expect(await store.get("local", job.jobId)).toMatchObject({ charge: "spent", costUsd: 0.01 });
    expect((await visitor.get(`/jobs/${job.jobId}`)).text).toContain("Settled by hand");
    await visitor.post(`/jobs/${job.jobId}/settle`, { verdict: "not-charged" });
    expect(await store.get("local", job.jobId)).toMatchObject({ charge: "none", costUsd: null });
    expect(heard).toEqual(["spent", "none"]);
    const odd = await visitor.post(`/jobs/${job.jobId}/settle`, { verdict: "spent" });
    expect(odd.status).toBe(400);
    expect(odd.text).toContain("Say whether it was charged or not.");
  });

  it("refuses to settle what is known, with the reason", async () => {
    const { store, visitor } = await open();
    const job = aJob();
    await record(store, job);
    const { status, text } = await visitor.post(`/jobs/${job.jobId}/settle`, {
      verdict: "charged",
    });
    expect(status).toBe(400);
    expect(text).toContain("is not in doubt: it is completed and its charge is &#34;spent&#34;");
  });

  it("is deleted with or without its files, and its small pictures go with them", async () => {
    const { store, visitor, aPicture, media } = await open();
    const [one, other] = [aJob(), aJob()];
    const [first, second] = [await aPicture(one), await aPicture(other)];
    await record(store, { ...one, media: [first] }, { ...other, media: [second] });
    await visitor.get(`/thumbs/${one.jobId}/1`);
    const kept = await visitor.post(`/jobs/${other.jobId}/delete`, {});
    expect(kept.text).toContain(second.path);
    expect(await media.stat("local", second.path)).toBeDefined();
    const gone = await visitor.post(`/jobs/${one.jobId}/delete`, { files: "on" });
    expect(gone.text).toContain("1 file is deleted.");
    expect(await media.stat("local", first.path)).toBeUndefined();
    expect(await media.thumbnail("local", first.path)).toBeUndefined();
    expect((await visitor.get(`/jobs/${one.jobId}`)).status).toBe(404);
    expect(ids((await visitor.get("/")).text)).toEqual([]);
    const running = aJob({ state: "running", charge: "reserved" });
    await record(store, running);
    const stays = await visitor.post(`/jobs/${running.jobId}/delete`, {});
    expect([stays.status, stays.text.includes("only what has ended is deleted")]).toEqual([
      400,
      true,
    ]);
  });

  it("says why one failed, and that a file is not there any more", async () => {
    const { store, visitor } = await open();
    const error = { code: "upstream_rejected", message: "The model <b>refused</b>." } as const;
    const failed = aJob({ state: "failed", charge: "none", error });
    const lost = aJob({ media: [aMedium()] });
    await record(store, failed, lost);
    const { text } = await visitor.get(`/jobs/${failed.jobId}`);
    expect(text).toContain("The model &#60;b&#62;refused&#60;/b&#62;.");
    for (const place of ["thumbs", "pictures", "download"]) {
      expect((await visitor.get(`/${place}/${lost.jobId}/1`)).status).toBe(404);
      expect((await visitor.get(`/${place}/${lost.jobId}/2`)).status).toBe(404);
    }
  });
});

it("answers what is not there, and what goes wrong, with a page and no words of the inside", async () => {
  const { visitor, parts } = await open();
  for (const path of [
    `/jobs/${newJobId()}`,
    "/jobs/x",
    "/nowhere",
    "/constructor",
    "/jobs",
    "/a/b/c/d",
  ]) {
    const { status, text } = await visitor.get(path);
    expect([path, status, text.includes("<h1>Not here</h1>")]).toEqual([path, 404, true]);
  }
  parts.store.list = () => Promise.reject(new Error("secret inside"));
  const broken = await visitor.get("/");
  expect([broken.status, broken.text.includes("secret inside")]).toEqual([500, false]);
  parts.store.list = () => Promise.reject(new AppError("storage", "The disk is full."));
  const full = await visitor.get("/");
  expect([full.status, full.text.includes("The disk is full.")]).toEqual([503, true]);
});
