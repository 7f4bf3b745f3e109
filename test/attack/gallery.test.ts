import { describe, expect, it } from "vitest";
import { newJobId } from "../../src/core/ids.ts";
import { ask, openGalleryRig, serveForUsers, serveRig, Visitor } from "../support/gallery-rig.ts";
import { credential, KnownTokens, remoteCaller } from "../support/http-server.ts";
import { aJob, record } from "../support/made-jobs.ts";

/* What somebody hostile tries at the pages for people. */

const EVIL = "http://evil.example";

async function openLocal() {
  const rig = await openGalleryRig();
  return { ...rig, ...(await serveRig(rig)) };
}

describe("without a session", () => {
  it("nothing is there, whatever is asked, and nothing can be guessed", async () => {
    const { origin, store, link, aPicture } = await openLocal();
    const job = aJob();
    await record(store, { ...job, media: [await aPicture(job)] });
    const paths = [
      ...["/", `/jobs/${job.jobId}`, `/cards/${job.jobId}`, `/thumbs/${job.jobId}/1`],
      ...[`/pictures/${job.jobId}/1`, `/download/${job.jobId}/1`, "/spending", "/threads"],
      ...["/events", "/gallery.js", "/gallery.css", "/login", "/enter/", "/enter/x"],
      `${link().slice(0, -1)}`,
    ];
    const bare = await ask(origin, "/nowhere");
    for (const path of paths) {
      for (const cookie of ["", `longcat_gallery_${new URL(origin).port}=${"A".repeat(43)}`]) {
        const { status, text, headers } = await ask(origin, path, { headers: { cookie } });
        expect([path, status, text]).toEqual([path, 404, bare.text]);
        expect(headers["set-cookie"]).toBeUndefined();
      }
    }
    for (const path of [`/jobs/${job.jobId}/settle`, `/jobs/${job.jobId}/delete`, "/logout"]) {
      const visitor = new Visitor(origin);
      expect((await visitor.post(path, { verdict: "charged", files: "on" })).status).toBe(404);
    }
    expect(await store.get("local", job.jobId)).toBeDefined();
  });

  it("a link lets one in, once, within ten minutes; its cookie is for this server alone", async () => {
    const { origin, link, clock } = await openLocal();
    const path = link("/spending");
    const ahead = await ask(origin, path, { headers: { "sec-purpose": "prefetch" } });
    const head = await ask(origin, path, { method: "HEAD" });
    expect([ahead.status, head.status]).toEqual([404, 404]);
    const entered = await ask(origin, path);
    expect([entered.status, entered.headers["refresh"]]).toEqual([200, "0; url=/spending"]);
    const [cookie = ""] = entered.headers["set-cookie"] ?? [];
    expect(cookie).toMatch(
      /^longcat_gallery_\d+=[\w-]{43}; Path=\/; Max-Age=43200; HttpOnly; SameSite=Strict$/,
    );
    expect(entered.text).not.toContain(cookie.slice(0, 40));
    expect((await ask(origin, path)).status).toBe(404);
    const late = link();
    clock.jump(10 * 60_000);
    expect((await ask(origin, late)).status).toBe(404);
  });

  it("of two who race with a stolen link one is let in", async () => {
    const { origin, link } = await openLocal();
    const path = link();
    const answers = await Promise.all(Array.from({ length: 8 }, () => ask(origin, path)));
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1);
  });
});

describe("from elsewhere", () => {
  it("no other name of this machine, no proxy and no page of others is answered", async () => {
    const { origin, visitor, link } = await openLocal();
    const { cookie } = await visitor();
    const entry = link();
    const hosts = ["evil.example", "127.0.0.1.evil.example", "localhost.evil.example:80"];
    for (const host of hosts) {
      for (const path of ["/", entry]) {
        const { status, headers } = await ask(origin, path, { headers: { host, cookie } });
        expect([host, status >= 400, headers["set-cookie"]]).toEqual([host, true, undefined]);
      }
    }
    const more = [{ origin: EVIL }, { origin: "null" }, { "x-forwarded-for": "1.2.3.4" }];
    for (const headers of more) {
      expect((await ask(origin, "/", { headers: { cookie, ...headers } })).status).toBe(403);
    }
    expect((await ask(origin, entry)).status).toBe(200);
  });

  it("forms count only from a page of this very server, with the key of the session", async () => {
    const { origin, visitor, store } = await openLocal();
    const job = aJob({ state: "unknown", charge: "uncertain", costUsd: null });
    await record(store, job);
    const me = await visitor();
    const other = await visitor();
    const path = `/jobs/${job.jobId}/settle`;
    const verdict = { verdict: "charged" };
    const port = Number(new URL(origin).port);
    const refused = await Promise.all([
      me.post(path, verdict, { origin: `http://127.0.0.1:${port + 1}` }),
      me.post(path, verdict, { origin: `http://localhost:${port}` }),
      me.post(path, verdict, { "sec-fetch-site": "same-site" }),
      me.post(path, verdict, { "sec-fetch-site": "cross-site" }),
      me.post(path, verdict, { "content-type": "text/plain" }),
      me.post(path, verdict, { "content-type": "application/json" }),
      me.post(path, { ...verdict, key: "" }),
      me.post(path, { ...verdict, key: other.formKey }),
      me.post(path, { ...verdict, more: "x".repeat(9_000) }),
    ]);
    expect(refused.map(({ status }) => status)).toEqual(refused.map(() => 403));
    const body = new URLSearchParams({ ...verdict, key: me.formKey }).toString();
    const headers = { cookie: me.cookie, "content-type": "application/x-www-form-urlencoded" };
    expect((await ask(origin, path, { method: "POST", headers, body })).status).toBe(403);
    for (const method of ["GET", "PUT", "DELETE", "PATCH"]) {
      const { status } = await ask(origin, `${path}?${body}`, { method, headers });
      expect([method, status]).toEqual([method, 404]);
    }
    expect((await store.get("local", job.jobId))?.charge).toBe("uncertain");
    expect((await me.post(path, verdict)).status).toBe(303);
    expect((await store.get("local", job.jobId))?.charge).toBe("spent");
  });

  it("nothing may be framed, kept, sniffed or run that is not the gallery's own", async () => {
    const { visitor, store, aPicture } = await openLocal();
    const job = aJob();
    await record(store, { ...job, media: [await aPicture(job)] });
    const me = await visitor();
    for (const path of ["/", `/jobs/${job.jobId}`, "/spending", "/threads", "/nowhere"]) {
      const { headers, text } = await me.get(path);
      expect(headers).toMatchObject({
        "cache-control": "private, no-store",
        "x-content-type-options": "nosniff",
        "x-frame-options": "DENY",
        "cross-origin-resource-policy": "same-origin",
        "cross-origin-opener-policy": "same-origin",
        "referrer-policy": "same-origin",
      });
      const policy = String(headers["content-security-policy"]);
      expect(policy).toMatch(/^default-src 'none'; .*frame-ancestors 'none'$/);
      expect(policy).not.toMatch(/unsafe|\*|data:|http/);
      expect(text).not.toMatch(/<script(?! src="\/gallery\.js" defer>)|<style|style=|\son\w+=/i);
    }
    for (const place of ["thumbs", "pictures", "download"]) {
      const { headers } = await me.get(`/${place}/${job.jobId}/1`);
      expect(headers).toMatchObject({
        "cache-control": "private, no-store",
        "x-content-type-options": "nosniff",
        "cross-origin-resource-policy": "same-origin",
      });
    }
  });
});

describe("where there are users", () => {
  const ada = remoteCaller("ada");
  const eve = remoteCaller("eve");
  const reader = remoteCaller("ada", { scopes: new Set(["jobs:read"]) });
  const chatter = remoteCaller("ada", { scopes: new Set(["chat"]) });

  async function open(more: Record<string, ReturnType<typeof credential>> = {}) {
    const tokens = new KnownTokens({
      ...{ ada: credential(ada), eve: credential(eve), reader: credential(reader) },
      chatter: credential(chatter),
      ...more,
    });
    const rig = await openGalleryRig({ authenticator: tokens });
    return { ...rig, tokens, ...(await serveForUsers(rig, tokens)) };
  }

  it("the door is a form, which takes a token and keeps it nowhere", async () => {
    const { stranger, tokens, origin } = await open();
    const somebody = stranger();
    const form = await somebody.get("/login");
    expect([form.status, form.text.includes('method="post" action="/login"')]).toEqual([200, true]);
    const wrong = await somebody.post("/login", { token: "guess" });
    expect([wrong.status, wrong.text.includes("The token is not known.")]).toEqual([401, true]);
    expect([wrong.headers["set-cookie"], wrong.text.includes("guess")]).toEqual([undefined, false]);
    expect(tokens.refusals).toHaveLength(1);
    expect((await somebody.get("/login?token=ada")).headers["set-cookie"]).toBeUndefined();
    for (const from of [EVIL, "null"]) {
      const { status } = await somebody.post("/login", { token: "ada" }, { origin: from });
      expect([from, status]).toEqual([from, 403]);
    }
    expect((await somebody.get("/")).text).toMatch(/^longcat-mcp 1: MCP clients connect to /);
    const inside = await somebody.post("/login", { token: " ada " });
    expect([inside.status, inside.headers.location]).toEqual([303, "/"]);
    expect(String(inside.headers["set-cookie"])).not.toContain("ada");
    const page = await somebody.get("/");
    expect(page.text).toContain("There is nothing here yet.");
    expect(page.text).not.toContain('value="ada"');
    const { cookie } = somebody;
    const out = await somebody.post("/logout", {});
    expect([out.status, String(out.headers["set-cookie"])]).toEqual([
      200,
      expect.stringContaining("Max-Age=0"),
    ]);
    expect((await ask(origin, "/spending", { headers: { cookie } })).status).toBe(404);
  });

  it("a cookie is secure where a proxy that is trusted says https, and no other's word counts", async () => {
    const { stranger } = await open();
    const said = { "x-forwarded-proto": "https" };
    const { status, headers } = await stranger().post("/login", { token: "ada" }, said);
    expect([status, headers["set-cookie"]]).toEqual([403, undefined]);
  });

  it("everybody sees their own and nothing of others', whatever they guess", async () => {
    const { user, store, aPicture } = await open();
    const job = aJob({ owner: "ada", state: "unknown", charge: "uncertain", costUsd: null });
    const parent = aJob({ owner: "ada" });
    const medium = await aPicture(parent);
    await record(store, job, { ...parent, media: [medium] });
    const theirs = aJob({
      ...{ owner: "eve", operation: "qwen_image_edit" },
      input: { prompt: "Red", image: `longcat://media/${parent.jobId}/1` },
    });
    await record(store, theirs);
    const [own, other] = [await user("ada"), await user("eve")];
    expect((await own.get("/")).text).toContain(job.jobId);
    expect((await other.get("/")).text).not.toContain(job.jobId);
    const nobodys = newJobId();
    for (const path of ["jobs/*", "cards/*", "thumbs/*/1", "pictures/*/1", "download/*/1"]) {
      const [guess, none] = await Promise.all(
        [parent.jobId, nobodys].map((id) => other.get(`/${path.replace("*", id)}`)),
      );
      expect(guess?.status).toBe(404);
      expect(guess?.text.replaceAll(parent.jobId, "")).toBe(none?.text.replaceAll(nobodys, ""));
    }
    for (const act of ["settle", "delete"]) {
      const { status } = await other.post(`/jobs/${job.jobId}/${act}`, { verdict: "charged" });
      expect(status).toBe(404);
    }
    expect((await store.get("ada", job.jobId))?.charge).toBe("uncertain");
    expect((await own.get(`/jobs/${parent.jobId}`)).text).not.toContain(theirs.jobId);
    expect((await other.get(`/jobs/${theirs.jobId}`)).text).not.toContain("Made from");
    // No place of the server's machine is told to anybody elsewhere.
    const { text } = await own.get(`/jobs/${parent.jobId}`);
    expect([text.includes(medium.path), text.includes("/pictures/2026")]).toEqual([false, false]);
  });

  it("a token shows and does what its scopes allow", async () => {
    const { user, store } = await open();
    const doubt = { owner: "ada", state: "unknown", charge: "uncertain", costUsd: null } as const;
    const [picture, turn] = [aJob(doubt), aJob({ ...doubt, operation: "longcat_chat" })];
    await record(store, picture, turn);
    const [reads, chats] = [await user("reader"), await user("chatter")];
    const seen = await reads.get(`/jobs/${picture.jobId}`);
    expect(seen.text).not.toContain("/settle");
    expect((await reads.post(`/jobs/${picture.jobId}/settle`, { verdict: "charged" })).status).toBe(
      403,
    );
    expect((await reads.post(`/jobs/${picture.jobId}/delete`, {})).status).toBe(403);
    expect((await reads.get("/threads")).status).toBe(404);
    expect((await chats.get("/")).text).not.toContain(picture.jobId);
    expect((await chats.get(`/jobs/${picture.jobId}`)).status).toBe(404);
    expect((await chats.get("/spending")).status).toBe(404);
    expect((await chats.get("/?operation=z_image_turbo_generate")).text).toContain(
      "Nothing was found",
    );
    expect((await chats.post(`/jobs/${turn.jobId}/settle`, { verdict: "charged" })).status).toBe(
      303,
    );
    expect((await store.get("ada", picture.jobId))?.charge).toBe("uncertain");
  });

  it("a session ends with its token, a stream of news as well; and with the first user, this machine's", async () => {
    let holds = true;
    const { user, origin, parts } = await open({
      gone: credential(ada, { id: "gone", holds: async () => holds }),
    });
    const somebody = await user("gone");
    const stream = await fetch(`${origin}/events`, { headers: { cookie: somebody.cookie } });
    const reader = stream.body?.getReader();
    expect((await reader?.read())?.done).toBe(false);
    holds = false;
    await expect(reader?.read()).rejects.toThrow();
    expect((await somebody.get("/spending")).status).toBe(404);
    expect(parts.events.heldUpBy("")).toBeUndefined();
    const local = await openLocal();
    let isOpen = true;
    const here = await local.visitor(
      credential({ ...remoteCaller("local"), isRemote: false }, { holds: async () => isOpen }),
    );
    expect((await here.get("/spending")).status).toBe(200);
    isOpen = false;
    expect((await here.get("/spending")).status).toBe(404);
  });
});
