import { describe, expect, it } from "vitest";
import { isOwnForm, Sessions } from "../../src/gallery/gallery-sessions.ts";
import { OneTimeLinks } from "../../src/gallery/one-time-links.ts";
import { FakeClock } from "../support/fake-clock.ts";
import { credential, remoteCaller } from "../support/http-server.ts";

const HOUR = 3_600_000;
const MINUTE = 60_000;
const ada = (more = {}) => credential(remoteCaller("ada"), more);

function open() {
  const clock = new FakeClock();
  return { clock, sessions: new Sessions(clock), links: new OneTimeLinks(clock) };
}

describe("a session", () => {
  it("is known by its cookie alone, and only until its end", async () => {
    const { clock, sessions } = open();
    const { value, seconds } = sessions.open(ada());
    expect(seconds).toBe(12 * 3_600);
    expect((await sessions.of(value))?.credential.caller.owner).toBe("ada");
    for (const other of [undefined, "", `${value}x`, value.slice(1), value.toUpperCase()]) {
      expect(await sessions.of(other)).toBeUndefined();
    }
    clock.jump(12 * HOUR - 1);
    expect(await sessions.of(value)).toBeDefined();
    clock.jump(1);
    expect(await sessions.of(value)).toBeUndefined();
    clock.jump(-HOUR);
    expect(await sessions.of(value)).toBeUndefined();
  });

  it("lasts no longer than the token, and ends with it at once and for good", async () => {
    const { clock, sessions } = open();
    let holds = true;
    const short = sessions.open(ada({ endsAt: clock.now() + HOUR }));
    const other = sessions.open(ada({ holds: async () => holds }));
    expect(short.seconds).toBe(3_600);
    clock.jump(HOUR);
    expect(await sessions.of(short.value)).toBeUndefined();
    holds = false;
    expect(await sessions.of(other.value)).toBeUndefined();
    holds = true;
    expect(await sessions.of(other.value)).toBeUndefined();
  });

  it("is ended by its owner, and fails where nobody can say whether it holds", async () => {
    const { sessions } = open();
    const { value } = sessions.open(ada());
    sessions.end(undefined);
    sessions.end("other");
    expect(await sessions.of(value)).toBeDefined();
    sessions.end(value);
    expect(await sessions.of(value)).toBeUndefined();
    const blind = sessions.open(ada({ holds: () => Promise.reject(new Error("no record")) }));
    await expect(sessions.of(blind.value)).rejects.toThrow("no record");
  });

  it("makes room for newer ones: twenty of an owner, a thousand of all", async () => {
    const { sessions } = open();
    const own = Array.from({ length: 21 }, () => sessions.open(ada()).value);
    expect(await sessions.of(own[0])).toBeUndefined();
    expect(await sessions.of(own[1])).toBeDefined();
    for (let i = 0; i < 1_000; i++) sessions.open(credential(remoteCaller(`user-${i}`)));
    expect(await sessions.of(own[20])).toBeUndefined();
  });

  it("has a key that only its own forms carry", async () => {
    const { sessions } = open();
    const [one, other] = await Promise.all(
      [ada(), ada()].map((who) => sessions.of(sessions.open(who).value)),
    );
    if (!one || !other) return expect.fail("no session");
    expect(isOwnForm(one, one.formKey)).toBe(true);
    for (const given of [other.formKey, "", null, `${one.formKey} `]) {
      expect(isOwnForm(one, given)).toBe(false);
    }
  });
});

describe("a link", () => {
  const secretOf = (path: string) => path.slice("/enter/".length);

  it("lets in once", async () => {
    const { links } = open();
    const secret = secretOf(links.make(ada(), "/jobs/x#settle"));
    expect(await links.use(`${secret}x`)).toBeUndefined();
    expect(await links.use(secret)).toMatchObject({ path: "/jobs/x#settle" });
    expect(await links.use(secret)).toBeUndefined();
  });

  it("ends after ten minutes, and with what it stands for", async () => {
    const { clock, links } = open();
    const [late, early] = [links.make(ada(), "/"), links.make(ada(), "/")];
    clock.jump(10 * MINUTE - 1);
    expect(await links.use(secretOf(early))).toBeDefined();
    clock.jump(1);
    expect(await links.use(secretOf(late))).toBeUndefined();
    const gone = links.make(ada({ holds: async () => false }), "/");
    expect(await links.use(secretOf(gone))).toBeUndefined();
  });

  it("makes room for newer ones", async () => {
    const { links } = open();
    const made = Array.from({ length: 51 }, () => secretOf(links.make(ada(), "/")));
    expect(new Set(made).size).toBe(51);
    expect(await links.use(made[0] ?? "")).toBeUndefined();
    expect(await links.use(made[1] ?? "")).toBeDefined();
  });
});
