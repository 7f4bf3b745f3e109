import { afterEach, beforeEach, expect, test } from "vitest";
import { Bench, PATIENTLY } from "../e2e/harness.ts";
import { bearer } from "../support/http-server.ts";
import { type BehindNginx, NAME, startBehindNginx } from "./behind-nginx.ts";

/* The pages for people behind nginx with TLS: two users at their browsers, and a stranger. */

let bench: Bench;
let proxied: BehindNginx;
let tokens: { ada: string; ben: string };

beforeEach(async () => {
  bench = await Bench.open();
  tokens = { ada: await bench.addUser("ada"), ben: await bench.addUser("ben") };
  proxied = await startBehindNginx(bench);
});

afterEach(async () => {
  await proxied.close();
  await bench.close();
});

/** A page of that server says it comes from there; nginx tells the name without a port. */
const HERE = `https://${NAME}`;
const FORM = { "content-type": "application/x-www-form-urlencoded" };

/** Somebody at a browser, with a cookie once they were let in. */
class Person {
  cookie = "";

  async get(path: string) {
    const reply = await proxied.fetch(proxied.origin + path, { headers: this.#own() });
    return { status: reply.status, headers: reply.headers, text: await reply.text() };
  }

  async post(path: string, fields: Record<string, string>, headers: Record<string, string> = {}) {
    const reply = await proxied.fetch(proxied.origin + path, {
      method: "POST",
      headers: { ...FORM, origin: HERE, ...this.#own(), ...headers },
      body: new URLSearchParams(fields).toString(),
    });
    const [set = ""] = reply.headers.getSetCookie();
    if (set !== "") this.cookie = set.split(";", 1)[0] ?? "";
    return { status: reply.status, set, location: reply.headers.get("location") };
  }

  /** The key of the forms that they are shown. */
  async key(path = "/"): Promise<string> {
    return /name="key" value="([^"]+)"/.exec((await this.get(path)).text)?.[1] ?? "";
  }

  /** Listens to news until the end of the test. @returns what was heard so far. */
  async listen(): Promise<() => string> {
    const reply = await proxied.fetch(`${proxied.origin}/events`, { headers: this.#own() });
    expect(reply.status).toBe(200);
    let heard = "";
    const read = async () => {
      for await (const chunk of reply.body ?? []) heard += Buffer.from(chunk).toString();
    };
    void read().catch(() => undefined);
    return () => heard;
  }

  #own(): Record<string, string> {
    return this.cookie === "" ? {} : { cookie: this.cookie };
  }
}

async function signedIn(token: string): Promise<Person> {
  const one = new Person();
  await one.post("/login", { token });
  return one;
}

/** Buys with somebody's token, as their assistant does. @returns the job */
async function buy(token: string, name: string, given: Record<string, unknown>): Promise<string> {
  const reply = await proxied.fetch(`${proxied.origin}/mcp`, {
    method: "POST",
    headers: {
      ...bearer(token),
      "content-type": "application/json",
      accept: "application/json, text/event-stream",
      "mcp-protocol-version": "2025-11-25",
    },
    body: JSON.stringify({
      ...{ jsonrpc: "2.0", id: 1, method: "tools/call" },
      params: { name, arguments: { wait_seconds: 40, ...given } },
    }),
  });
  const text = await reply.text();
  expect(text).toContain("completed");
  return /job_[a-z2-7]{26}/.exec(text)?.[0] ?? "";
}

test("a session comes by TLS alone, ends when it is left, and nothing is there without one", async () => {
  const stranger = new Person();
  const line = await stranger.get("/");
  expect([line.status, line.text.trim().split("\n").length]).toEqual([200, 1]);
  expect(line.text).toMatch(/^longcat-mcp \S+: MCP clients connect to /);
  const nothing = await stranger.get("/nowhere");
  const paths = [
    "/jobs/x",
    "/spending",
    "/threads",
    "/events",
    "/gallery.js",
    "/enter/x",
    "/cards/x",
  ];
  for (const path of [...paths, "/logout"]) {
    const { status, text } = await stranger.get(path);
    expect([path, status, text]).toEqual([path, 404, nothing.text]);
  }
  expect((await stranger.get("/login")).text).toContain("Your token");

  const wrong = await stranger.post("/login", { token: `${tokens.ada.slice(0, -1)}x` });
  expect([wrong.status, wrong.set]).toEqual([401, ""]);
  const elsewhere = await stranger.post(
    "/login",
    { token: tokens.ada },
    { origin: "https://evil.example" },
  );
  expect([elsewhere.status, elsewhere.set]).toEqual([403, ""]);

  const ada = new Person();
  const inside = await ada.post("/login", { token: tokens.ada });
  expect([inside.status, inside.location]).toEqual([303, "/"]);
  expect(inside.set).toMatch(
    /^longcat_gallery_\d+=[\w-]{43}; Path=\/; Max-Age=\d+; HttpOnly; SameSite=Strict; Secure$/,
  );
  expect(inside.set).not.toContain(tokens.ada);
  const page = await ada.get("/");
  expect(page.text).toContain("There is nothing here yet.");
  expect(page.headers.get("content-security-policy")).toMatch(/^default-src 'none'; /);

  const { cookie } = ada;
  const left = await ada.post("/logout", { key: await ada.key() });
  expect([left.status, left.set]).toEqual([
    200,
    expect.stringMatching(/=; Path=\/; Max-Age=0; HttpOnly; SameSite=Strict; Secure$/),
  ]);
  ada.cookie = cookie;
  expect((await ada.get("/spending")).status).toBe(404);
});

test("two users each see their own: pictures, lineage, conversations, spending and news", async () => {
  const [ada, ben] = [await signedIn(tokens.ada), await signedIn(tokens.ben)];
  const [adasNews, bensNews] = [await ada.listen(), await ben.listen()];
  const picture = await buy(tokens.ada, "longcat_image_generate", {
    ...{ prompt: "Adas heron", image_size: "square_1_1" },
  });
  const edit = await buy(tokens.ada, "qwen_image_edit", {
    ...{ prompt: "Adas heron at night", image: `longcat://media/${picture}/1` },
  });
  const turn = await buy(tokens.ada, "longcat_chat", { prompt: "What do herons eat?" });
  const bens = await buy(tokens.ben, "longcat_image_generate", {
    ...{ prompt: "Bens bicycle", image_size: "square_1_1" },
  });
  await expect.poll(adasNews, PATIENTLY).toContain(turn);
  await expect.poll(bensNews, PATIENTLY).toContain(bens);
  expect(bensNews()).not.toMatch(new RegExp([picture, edit, turn].join("|")));
  expect(adasNews()).not.toContain(bens);

  const own = (await ada.get("/")).text;
  for (const words of [picture, edit, turn, "Adas heron"]) expect(own).toContain(words);
  expect(own).not.toContain("Bens bicycle");
  const family = (await ada.get(`/jobs/${picture}`)).text;
  expect(family).toContain(edit);
  expect((await ada.get(`/thumbs/${picture}/1`)).headers.get("content-type")).toBe("image/webp");
  const thread = /\/threads\/(thread_[a-z2-7]+)/.exec((await ada.get("/threads")).text)?.[1] ?? "";
  expect((await ada.get(`/threads/${thread}`)).text).toContain("What do herons eat?");
  expect((await ada.get("/spending")).text).toContain("$0.1");

  const theirs = (await ben.get("/")).text;
  expect([theirs.includes("Bens bicycle"), theirs.includes("heron")]).toEqual([true, false]);
  expect((await ben.get("/threads")).text).not.toContain("herons");
  expect((await ben.get("/?q=heron")).text).toContain("Nothing was found.");
  for (const path of [
    ...[`/jobs/${picture}`, `/cards/${picture}`, `/thumbs/${picture}/1`, `/pictures/${picture}/1`],
    ...[`/download/${picture}/1`, `/jobs/${turn}`, `/threads/${thread}`],
  ]) {
    const { status, text } = await ben.get(path);
    expect([path, status, text.includes("heron")]).toEqual([path, 404, false]);
  }
  expect((await ben.get("/spending")).text).not.toContain("Qwen");
});

test("what changes something takes a form of the very page, and no other way", async () => {
  const [ada, ben] = [await signedIn(tokens.ada), await signedIn(tokens.ben)];
  const job = await buy(tokens.ada, "longcat_image_generate", {
    ...{ prompt: "Adas heron", image_size: "square_1_1" },
  });
  const path = `/jobs/${job}/delete`;
  const key = await ada.key(`/jobs/${job}`);
  const refused = [
    await ada.post(path, { key }, { origin: "https://evil.example" }),
    await ada.post(path, { key }, { origin: "null" }),
    await ada.post(path, { key }, { "sec-fetch-site": "cross-site" }),
    await ada.post(path, { key: await ben.key() }),
    await ada.post(path, {}),
    await ben.post(path, { key }),
  ];
  expect(refused.map(({ status }) => status)).toEqual(refused.map(() => 403));
  const withoutOrigin = await proxied.fetch(proxied.origin + path, {
    method: "POST",
    headers: { ...FORM, cookie: ada.cookie },
    body: new URLSearchParams({ key }).toString(),
  });
  expect(withoutOrigin.status).toBe(403);
  expect((await ada.get(`${path}?key=${key}&files=on`)).status).toBe(404);
  expect((await ben.post(path, { key: await ben.key() })).status).toBe(404);
  expect((await ada.get(`/jobs/${job}`)).status).toBe(200);
  expect((await ada.post(path, { key })).status).toBe(200);
  expect((await ada.get(`/jobs/${job}`)).status).toBe(404);
});
