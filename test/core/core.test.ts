import { existsSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { delay } from "../../src/core/clock.ts";
import { AppError, ERROR_RULES, toAppError } from "../../src/core/errors.ts";
import { JOB_ID_PATTERN } from "../../src/core/id-patterns.ts";
import { base32, newJobId } from "../../src/core/ids.ts";
import { Lazy } from "../../src/core/lazy.ts";
import { createLog } from "../../src/core/log.ts";
import { packageRoot } from "../../src/core/package-root.ts";
import { createRedact } from "../../src/core/redact.ts";
import {
  beginningOf,
  endOf,
  MAX_SHOWN_CHARACTERS,
  oneLine,
  shortened,
} from "../../src/core/text.ts";
import { anyText } from "../support/any-text.ts";
import { FakeClock } from "../support/fake-clock.ts";
import { until } from "../support/rig.ts";

describe("errors", () => {
  it("have the codes that are promised, each with an advice in one sentence", () => {
    expect(Object.keys(ERROR_RULES).sort()).toEqual(
      [
        "invalid_input",
        "configuration",
        "unauthorized",
        "forbidden",
        "insufficient_credit",
        "over_budget",
        "rate_limited",
        "content_rejected",
        "upstream_rejected",
        "upstream_unavailable",
        "bad_upstream_reply",
        "outcome_unknown",
        "timeout",
        "cancelled",
        "not_found",
        "media_expired",
        "storage",
        "internal",
      ].sort(),
    );
    for (const { next } of Object.values(ERROR_RULES)) expect(next).toMatch(/^[A-Z].+\.$/);
  });

  it("never invite to repeat what may have been bought", () => {
    for (const code of ["outcome_unknown", "bad_upstream_reply"] as const) {
      expect(new AppError(code, "x").retryable).toBe(false);
    }
  });

  it("that nobody threw on purpose say nothing of what is inside", () => {
    const error = toAppError(new TypeError("secret is undefined"));
    expect(error).toMatchObject({
      code: "internal",
      message: expect.not.stringContaining("secret"),
    });
    const known = new AppError("timeout", "x");
    expect(toAppError(known)).toBe(known);
  });
});

describe("waiting", () => {
  it("takes its time, and leaves nothing behind", async () => {
    const clock = new FakeClock();
    const caller = new AbortController();
    let over = false;
    const wait = delay(clock, 100, caller.signal).then(() => {
      over = true;
    });
    await clock.advance(99);
    expect(over).toBe(false);
    await clock.advance(1);
    await wait;
    caller.abort();
    expect(clock.pending).toBe(0);
  });

  it("ends when it is called off, also before it began", async () => {
    const clock = new FakeClock();
    const caller = new AbortController();
    const wait = delay(clock, 100, caller.signal);
    caller.abort();
    await expect(wait).rejects.toMatchObject({ code: "cancelled" });
    await expect(delay(clock, 100, caller.signal)).rejects.toMatchObject({ code: "cancelled" });
    expect(clock.pending).toBe(0);
  });
});

describe("job ids", () => {
  it("are never the same, and safe in file names and addresses", () => {
    const ids = Array.from({ length: 1_000 }, newJobId);
    expect(new Set(ids).size).toBe(1_000);
    for (const id of ids) expect(id).toMatch(JOB_ID_PATTERN);
  });

  it("are base32 as everybody writes it", () => {
    expect(
      ["", "f", "fo", "foo", "foob", "fooba", "foobar"].map((s) => base32(Buffer.from(s))),
    ).toEqual(["", "my", "mzxq", "mzxw6", "mzxw6yq", "mzxw6ytb", "mzxw6ytboi"]);
  });

  it.each([
    "job_",
    "job_ABCDEFGHIJKLMNOPQRSTUVWXYZ",
    `job_${"a".repeat(27)}`,
    `job_${"1".repeat(26)}`,
  ])("are not %s", (text) => {
    expect(text).not.toMatch(JOB_ID_PATTERN);
  });
});

describe("what is opened at first use", () => {
  it("is opened once, however many ask", async () => {
    let opened = 0;
    const lazy = new Lazy(async () => ++opened);
    expect(lazy.current).toBeUndefined();
    expect(await lazy.settled()).toBeUndefined();
    expect(await Promise.all([lazy.get(), lazy.get()])).toEqual([1, 1]);
    expect([lazy.current, await lazy.settled(), opened]).toEqual([1, 1, 1]);
  });

  it("is tried again after it failed", async () => {
    let tries = 0;
    const lazy = new Lazy(async () => {
      if (++tries === 1) throw new AppError("storage", "not yet");
      return tries;
    });
    await expect(lazy.get()).rejects.toMatchObject({ code: "storage" });
    expect(await lazy.settled()).toBeUndefined();
    expect(await lazy.get()).toBe(2);
  });
});

describe("the log", () => {
  it("has no key in it, wherever in a line it stood", async () => {
    const lines: string[] = [];
    const log = createLog("debug", createRedact(["key-0123456789"]), (line) => lines.push(line));
    log.warn(
      { url: "https://a.example/?k=key-0123456789", nested: { header: "key-0123456789" } },
      "a",
    );
    log.error({ err: new Error("refused key-0123456789") }, "key-0123456789");
    await until(() => lines.length === 2);
    for (const line of lines) {
      expect(line).not.toContain("key-0123456789");
      expect(() => JSON.parse(line)).not.toThrow();
    }
  });

  it("keeps quiet below its level, and its order", async () => {
    const lines: string[] = [];
    const log = createLog("warn", createRedact([]), (line) => lines.push(line));
    log.info({}, "a");
    log.debug({}, "b");
    log.warn({}, "c");
    log.error({}, "d");
    await until(() => lines.length === 2);
    expect(lines.map((line) => JSON.parse(line).msg)).toEqual(["c", "d"]);
  });

  it("leaves no part of any key in any text", () => {
    fc.assert(
      fc.property(fc.string({ minLength: 6, maxLength: 40 }), fc.string(), (key, around) => {
        const shown = createRedact([key])(`${around}${key}${around}`);
        return !shown.replaceAll("[key removed]", "").includes(key) || around.includes(key);
      }),
    );
  });
});

describe("a text that comes in pieces", () => {
  const letters = (constraints: fc.StringConstraints) =>
    fc.string({ ...constraints, unit: fc.constantFrom("a", "b") });

  it("has no key in it, however it is cut", () => {
    fc.assert(
      fc.property(
        letters({ minLength: 6, maxLength: 8 }),
        fc.array(letters({ maxLength: 9 })),
        (key, pieces) => {
          const redact = createRedact([key]);
          let [told, held] = ["", ""];
          for (const piece of pieces) {
            const text = redact(held + piece);
            held = text.slice(text.length - redact.openEnd(text));
            told += text.slice(0, text.length - held.length);
          }
          expect(told + held).toBe(redact(pieces.join("")));
        },
      ),
    );
  });

  it("is held back no longer than a key could be", () => {
    const redact = createRedact(["key-0123456789"]);
    expect(
      ["", "k", "monkey", "key-012345678", "key-0123456788"].map((text) => redact.openEnd(text)),
    ).toEqual([0, 1, 3, 13, 0]);
    expect(createRedact([undefined, "short"]).openEnd("short")).toBe(0);
  });
});

describe("a text that is cut", () => {
  it("has no half of a character where it was cut", () => {
    const whales = "🐋".repeat(4);
    expect(beginningOf(whales, 4)).toBe("🐋🐋");
    expect(beginningOf(whales, 5)).toBe("🐋🐋");
    expect(endOf(whales, 5)).toBe("🐋🐋");
    expect(endOf(whales, 4)).toBe("🐋🐋");
    expect(endOf(whales, 9)).toBe(whales);
    expect(shortened(whales, 7)).toBe("🐋🐋🐋…");
    expect(shortened(whales, 8)).toBe(whales);
    expect(oneLine(`a ${whales}`, 3)).toBe("a …");
  });
});

describe("the package's own folder", () => {
  it("is found from the source", () => {
    expect(existsSync(join(packageRoot(), "package.json"))).toBe(true);
  });
});

describe("foreign text in a line of ours", () => {
  it("is one line of what can be seen, however it was written", () => {
    expect(oneLine(" a\r\nNext:\u2028b\u0085c\u2029d\t\ve ")).toBe("a Next: b c d e");
    expect(oneLine("p\u202eai\u200bd\u{e0041}\ufe0f\u115f\u3164\ud800!")).toBe("paid!");
    expect(oneLine("水墨画 Москва İstanbul 👍")).toBe("水墨画 Москва İstanbul 👍");
  });

  it("is never long, and never half a character", () => {
    fc.assert(
      fc.property(anyText({ maxLength: 1_000 }), (text) => {
        const shown = oneLine(text);
        expect(shown.length).toBeLessThanOrEqual(MAX_SHOWN_CHARACTERS + 1);
        expect(shown).not.toMatch(/[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u);
      }),
    );
  });
});
