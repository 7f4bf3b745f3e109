import { describe, expect, it } from "vitest";
import { eventIdOf, readEventId } from "../../src/transports/http/event-ids.ts";

const PLACE = {
  ...{ stream: "4b5e", number: 3, writer: "abc", isEnd: false },
  asked: [5, "ten", "\u{1F98A}\r\n"],
};

describe("the id of an event", () => {
  it("says where its stream is, by whom it is written and what is asked on it", () => {
    expect(readEventId(eventIdOf(PLACE))).toEqual(PLACE);
    expect(readEventId(eventIdOf({ ...PLACE, isEnd: true }))).toMatchObject({ isEnd: true });
  });

  it("is what a header can carry, however long the ids of requests are", () => {
    expect(eventIdOf(PLACE)).toMatch(/^[\w-]+$/);
    const long = eventIdOf({ ...PLACE, asked: ["x".repeat(5_000)] });
    expect(long.length).toBeLessThan(200);
    expect(readEventId(long)).toEqual({ ...PLACE, asked: [] });
  });

  it("is not read of anything else", () => {
    const written = (value: unknown) => Buffer.from(JSON.stringify(value)).toString("base64url");
    for (const id of [
      ...["", "1_a", "%%%", "x".repeat(2_000), written({}), written([])],
      written(["a", -1, "b", [], false]),
      written(["a", 1, "b", [{}], false]),
      written(["", 1, "b", [], false]),
      written(["a", 1, "b", [], false, "more"]),
    ]) {
      expect(readEventId(id), id).toBeUndefined();
    }
  });
});
