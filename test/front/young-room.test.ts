import { expect, test } from "vitest";
import { YoungRoom } from "../../src/front/young-room.ts";
import { PATIENTLY } from "../e2e/harness.ts";

const MIB = 1024 * 1024;
const [DOUBLES, STAYS] = ["--semi-space-growth-factor=2", "--semi-space-growth-factor=1"];

/** What V8 is told, and as large a room as a test says. */
function engineOf(bytes: number) {
  const flags: string[] = [];
  const engine = {
    bytes,
    setFlagsFromString: (flag: string) => void flags.push(flag),
    getHeapSpaceStatistics: () => [{ space_name: "new_space", space_size: engine.bytes }],
  };
  return { flags, engine };
}

test("compiled code is taken under the flags it was made with, whatever comes of it", () => {
  const { flags, engine } = engineOf(8 * MIB);
  const room = new YoungRoom();
  room.keep(engine, "");
  expect(flags).toEqual([STAYS]);
  expect(room.whileCompiled(() => flags.at(-1))).toBe(DOUBLES);
  expect(flags.at(-1)).toBe(STAYS);
  const broken = () => room.whileCompiled(() => JSON.parse("{"));
  expect(broken).toThrow(SyntaxError);
  expect(flags).toEqual([STAYS, DOUBLES, STAYS, DOUBLES, STAYS]);
});

test("a room that V8 has made small while nothing happened grows again", async () => {
  const { flags, engine } = engineOf(8 * MIB);
  new YoungRoom().keep(engine, "--require ./x.cjs");
  engine.bytes = MIB;
  const afterGarbage = () => {
    Array.from({ length: 100_000 }, (_, n) => ({ n }));
    return flags;
  };
  await expect.poll(afterGarbage, PATIENTLY).toEqual([STAYS, DOUBLES]);
  engine.bytes = 8 * MIB;
  await expect.poll(afterGarbage, PATIENTLY).toEqual([STAYS, DOUBLES, STAYS]);
});

test("who says how much room there is to be is not contradicted", () => {
  const { flags, engine } = engineOf(16 * MIB);
  const room = new YoungRoom();
  room.keep(engine, "--max-semi-space-size=64");
  expect(room.whileCompiled(() => "made")).toBe("made");
  expect(flags).toEqual([]);
});
