import { describe, expect, it } from "vitest";
import { AppError } from "../../src/core/errors.ts";
import type { Refusals } from "../../src/users/audit-log.ts";
import { RefusedLogins } from "../../src/users/refused-logins.ts";
import { FakeClock } from "../support/fake-clock.ts";

const MINUTE = 60_000;

function bench() {
  const clock = new FakeClock();
  const writes: (readonly Refusals[])[] = [];
  const errors: unknown[] = [];
  let isFull = false;
  const logins = new RefusedLogins(
    {
      async noteRefusals(refusals) {
        if (isFull) throw new AppError("storage", "The disk is full.");
        writes.push(refusals);
      },
    },
    clock,
    (error) => void errors.push(error),
  );
  const fill = () => {
    isFull = true;
  };
  return {
    clock,
    writes,
    errors,
    logins,
    fill,
    minute: () => clock.now() - (clock.now() % MINUTE),
  };
}

describe("refused logins", () => {
  it("are written a moment after the first, together, with a count for each address", async () => {
    const { clock, writes, logins, minute } = bench();
    for (const address of ["192.0.2.1", "192.0.2.2", "192.0.2.1"]) logins.note(address);
    expect(writes).toEqual([]);
    await clock.advance(100);
    expect(writes).toEqual([
      [
        { address: "192.0.2.1", minute: minute(), count: 2 },
        { address: "192.0.2.2", minute: minute(), count: 1 },
      ],
    ]);
    await clock.advance(10 * MINUTE);
    expect(writes).toHaveLength(1);
  });

  it("of the next minute are counted anew, and what was left is of the minute before", async () => {
    const { clock, writes, logins, minute } = bench();
    await clock.advance(MINUTE - (clock.now() % MINUTE) - 50);
    const before = minute();
    logins.note("192.0.2.1");
    await clock.advance(60);
    logins.note("192.0.2.1");
    await logins.close();
    expect(writes.flat()).toEqual([
      { address: "192.0.2.1", minute: before, count: 1 },
      { address: "192.0.2.1", minute: before + MINUTE, count: 1 },
    ]);
  });

  it("of more addresses than anybody looks through are counted as one", async () => {
    const { writes, logins } = bench();
    for (let n = 0; n < 1500; n++) logins.note(`2001:db8::${n}`);
    logins.note("2001:db8::0");
    await logins.close();
    const [rows = []] = writes;
    expect(rows).toHaveLength(1001);
    expect(rows.find(({ address }) => address === "others")?.count).toBe(500);
    expect(rows.find(({ address }) => address === "2001:db8::0")?.count).toBe(2);
    expect(rows.reduce((sum, { count }) => sum + count, 0)).toBe(1501);
  });

  it("that cannot be written are told of, and fail nothing", async () => {
    const { errors, logins, fill } = bench();
    fill();
    logins.note("192.0.2.1");
    await logins.close();
    expect(errors).toMatchObject([{ code: "storage" }]);
  });
});
