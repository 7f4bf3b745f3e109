import fc from "fast-check";
import { expect, it } from "vitest";
import { Fifo } from "../../src/core/fifo.ts";

it("does what an array does, whatever comes and leaves", () => {
  const act = fc.oneof(
    fc.constant({ what: "push" as const }),
    fc.constant({ what: "push" as const }),
    fc.constant({ what: "unshift" as const }),
    fc.constant({ what: "shift" as const }),
    fc.record({ what: fc.constant("remove" as const), item: fc.nat(60) }),
  );
  fc.assert(
    fc.property(fc.array(act, { maxLength: 400 }), (acts) => {
      const [line, array] = [new Fifo<number>(), [] as number[]];
      for (const [n, one] of acts.entries()) {
        if (one.what === "shift") expect(line.shift()).toBe(array.shift());
        else if (one.what === "remove") {
          line.remove(one.item);
          const at = array.indexOf(one.item);
          if (at >= 0) array.splice(at, 1);
        } else {
          line[one.what](n);
          array[one.what](n);
        }
        expect(line.length).toBe(array.length);
      }
      while (array.length > 0) expect(line.shift()).toBe(array.shift());
      expect(line.shift()).toBeUndefined();
    }),
  );
});

it("lets a long line go in the order in which it came", () => {
  const line = new Fifo<number>();
  for (let n = 0; n < 1_000; n++) line.push(n);
  for (let n = 0; n < 900; n++) expect(line.shift()).toBe(n);
  line.unshift(-1);
  line.push(1_000);
  expect([line.shift(), line.shift(), line.length]).toEqual([-1, 900, 100]);
});
