import { readdir, readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { beforeEach, describe, expect, it } from "vitest";
import { clearMovedMark, movedMark, refuseMoved, setMovedMark } from "../../src/core/moved-mark.ts";
import { tempDir } from "../support/temp-dir.ts";

let folder: string;
beforeEach(async () => {
  folder = await tempDir();
});

describe("a mark that a record has moved", () => {
  it("is not there at first, nor where there is no folder", () => {
    expect(movedMark(folder)).toBeUndefined();
    expect(movedMark(join(folder, "none"))).toBeUndefined();
    refuseMoved(folder);
  });

  it("is read as it was set, and says for a person what it means", async () => {
    const files = "s3://files/made at https://s3.example";
    const mark = { to: "db.example:5432/longcat", files, isWhole: true, id: "ab12" };
    setMovedMark(folder, { ...mark, isWhole: false });
    setMovedMark(folder, mark);
    expect(movedMark(folder)).toEqual(mark);
    expect(await readdir(folder)).toEqual(["moved"]);
    expect((await stat(join(folder, "moved"))).mode & 0o777).toBe(0o600);
    expect(await readFile(join(folder, "moved"), "utf8")).toContain("migrate --undo");
    clearMovedMark(folder);
    expect(movedMark(folder)).toBeUndefined();
    expect(await readdir(folder)).toEqual([]);
  });

  it("refuses the record, whether or not everything has gone along", () => {
    setMovedMark(folder, { to: "db.example:5432/longcat", isWhole: false });
    expect(() => refuseMoved(folder)).toThrow(
      /is being moved to the database db\.example:5432\/longcat: run .* again to finish/,
    );
    setMovedMark(folder, { to: "db.example:5432/longcat", isWhole: true });
    expect(() => refuseMoved(folder)).toThrow(
      /has moved to the database db\.example:5432\/longcat: set LONGCAT_MCP_DATABASE_URL/,
    );
  });

  it.each(["", "nothing that anyone has written", "to:"])(
    "refuses it as well when it says %j",
    async (text) => {
      await writeFile(join(folder, "moved"), text);
      expect(() => refuseMoved(folder)).toThrow(/has moved to the database a place/);
    },
  );

  it("holds a name that would begin another line in one", () => {
    setMovedMark(folder, { to: "db.example\nstate: moving", isWhole: true });
    expect(movedMark(folder)?.isWhole).toBe(true);
  });
});
