import { describe, expect, it } from "vitest";
import { isOwnForm, Sessions } from "../../src/gallery/gallery-sessions.ts";
import { OneTimeLinks } from "../../src/gallery/one-time-links.ts";
import type { StoredVisit, VisitRecord } from "../../src/users/visit-record.ts";
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
    const { value, seconds } = await sessions.open(ada());
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
    const short = await sessions.open(ada({ endsAt: clock.now() + HOUR }));
    const other = await sessions.open(ada({ holds: async () => holds }));
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
    const { value } = await sessions.open(ada());
    await sessions.end(undefined);
    await sessions.end("other");
    expect(await sessions.of(value)).toBeDefined();
    await sessions.end(value);
    expect(await sessions.of(value)).toBeUndefined();
    const blind = await sessions.open(ada({ holds: () => Promise.reject(new Error("no record")) }));
    await expect(sessions.of(blind.value)).rejects.toThrow("no record");
  });

  it("makes room for newer ones: twenty of an owner, a thousand of all", async () => {
    const { sessions } = open();
    const own: string[] = [];
    for (let i = 0; i < 21; i++) own.push((await sessions.open(ada())).value);
    expect(await sessions.of(own[0])).toBeUndefined();
    expect(await sessions.of(own[1])).toBeDefined();
    for (let i = 0; i < 1_000; i++) await sessions.open(credential(remoteCaller(`user-${i}`)));
    expect(await sessions.of(own[20])).toBeUndefined();
  });

  it("has a key that only its own forms carry", async () => {
    const { sessions } = open();
    const [one, other] = await Promise.all(
      [ada(), ada()].map(async (who) => sessions.of((await sessions.open(who)).value)),
    );
    if (!one || !other) return expect.fail("no session");
    expect(isOwnForm(one, one.formKey)).toBe(true);
    for (const given of [other.formKey, "", null, `${one.formKey} `]) {
      expect(isOwnForm(one, given)).toBe(false);
    }
  });
});

/** A record that lies in memory. */
class Visits implements VisitRecord {
  readonly kept: StoredVisit[] = [];

  async begin(visit: StoredVisit, most: number) {
    const own = this.kept.filter(({ owner }) => owner === visit.owner);
    for (const { handle } of own.slice(0, Math.max(0, own.length + 1 - most))) {
      await this.end(handle);
    }
    this.kept.push(visit);
  }

  async find(handle: string, now: number) {
    return this.kept.find((one) => one.handle === handle && one.endsAt > now);
  }

  async end(handle: string) {
    const at = this.kept.findIndex((one) => one.handle === handle);
    if (at >= 0) this.kept.splice(at, 1);
  }
}

describe("sessions of several servers", () => {
  /** Two servers whose clocks differ, on one record with a time of its own. */
  function openShared() {
    const record = new Visits();
    const clock = new FakeClock();
    const vouched = (owner: string, more = {}) =>
      credential(remoteCaller(owner), { voucher: `of ${owner}`, ...more });
    const good = new Map([["of ada", vouched("ada")]]);
    const server = (aheadMs: number) => {
      const own = new FakeClock();
      own.jump(aheadMs);
      return new Sessions(own, {
        record: async () => ({ record, clock }),
        authenticator: { again: async (voucher) => good.get(voucher) },
      });
    };
    return { record, clock, good, vouched, one: server(0), other: server(3 * HOUR) };
  }

  it("are known at each, with the same key for their forms, until their end by the record's time", async () => {
    const { one, other, clock, vouched, record } = openShared();
    const { value, seconds, isShared } = await one.open(vouched("ada"));
    expect([seconds, isShared]).toEqual([12 * 3_600, true]);
    const [here, there] = [await one.of(value), await other.of(value)];
    expect(there).toMatchObject({ credential: { caller: { owner: "ada" } } });
    expect(there?.formKey).toBe(here?.formKey);
    expect(JSON.stringify(record.kept)).not.toContain(value);
    expect(JSON.stringify(record.kept)).not.toContain(here?.formKey);
    for (const guess of ["", "x".repeat(43), `${value}x`, record.kept[0]?.handle]) {
      expect(await other.of(guess)).toBeUndefined();
    }
    clock.jump(12 * HOUR);
    expect(await other.of(value)).toBeUndefined();
  });

  it("end at all at once, by their owner or with what vouches for them", async () => {
    const { one, other, good, vouched, record } = openShared();
    const [left, kept] = [await one.open(vouched("ada")), await one.open(vouched("ada"))];
    await other.end(left.value);
    expect(await one.of(left.value)).toBeUndefined();
    expect(await one.of(kept.value)).toBeDefined();
    good.clear();
    expect(await other.of(kept.value)).toBeUndefined();
    expect(record.kept).toEqual([]);
  });

  it("are nobody's whom another now answers for", async () => {
    const { one, other, good, vouched } = openShared();
    const { value } = await one.open(vouched("ada"));
    good.set("of ada", vouched("eve"));
    expect(await other.of(value)).toBeUndefined();
  });

  it("leave out those whom only one of them knows", async () => {
    const { one, other, record } = openShared();
    const { value, isShared } = await one.open(ada());
    expect(isShared).toBe(false);
    expect(await one.of(value)).toBeDefined();
    expect(await other.of(value)).toBeUndefined();
    await other.end(value);
    expect(await one.of(value)).toBeDefined();
    expect(record.kept).toEqual([]);
  });

  it("make room for newer ones of their owner", async () => {
    const { one, other, vouched } = openShared();
    const own: string[] = [];
    for (let i = 0; i < 21; i++) own.push((await one.open(vouched("ada"))).value);
    expect(await other.of(own[0])).toBeUndefined();
    expect(await other.of(own[1])).toBeDefined();
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
