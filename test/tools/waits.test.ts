import { describe, expect, it } from "vitest";
import { type Caller, SCOPES } from "../../src/core/caller.ts";
import { LOCAL_CALLER } from "../../src/core/owner.ts";
import { Waits } from "../../src/tools/waits.ts";

const caller = (owner: string): Caller => ({ owner, scopes: new Set(SCOPES), isRemote: true });

/** Calls that wait until they are told not to. */
function waiting(waits: Waits) {
  const ends: (() => void)[] = [];
  const wait = (who: Caller, seconds?: number) =>
    waits.during(who, seconds, () => new Promise<void>((resolve) => ends.push(resolve)));
  return { wait, ends };
}

describe("calls that wait", () => {
  it("are as many of one user as may, and each that is over makes room", async () => {
    const { wait, ends } = waiting(new Waits(2));
    const two = [wait(caller("anna")), wait(caller("anna"), 30)];
    await expect(wait(caller("anna"))).rejects.toMatchObject({
      code: "rate_limited",
      message: expect.stringContaining("LONGCAT_MCP_MAX_WAITS_PER_USER"),
      next: "Call again in 5 s, or at once with `wait_seconds: 0`. Nothing was sent.",
      retryAfterMs: 5_000,
    });
    expect(ends).toHaveLength(2);
    ends[0]?.();
    await two[0];
    const third = wait(caller("anna"));
    expect(ends).toHaveLength(3);
    for (const end of ends) end();
    await Promise.all([...two, third]);
  });

  it("take nothing from others, nor from those that do not wait, nor from this machine", async () => {
    const { wait, ends } = waiting(new Waits(1));
    const all = [
      wait(caller("anna")),
      wait(caller("berta")),
      wait(caller("anna"), 0),
      wait(LOCAL_CALLER),
      wait(LOCAL_CALLER),
    ];
    await expect(wait(caller("anna"))).rejects.toMatchObject({ code: "rate_limited" });
    for (const end of ends) end();
    await Promise.all(all);
  });

  it("make room also where they fail", async () => {
    const waits = new Waits(1);
    const fail = () => waits.during(caller("anna"), 1, () => Promise.reject(new Error("no")));
    await expect(fail()).rejects.toThrow("no");
    await expect(fail()).rejects.toThrow("no");
  });
});
