import { describe, expect, it } from "vitest";
import type { Medium } from "../../src/jobs/job.ts";
import { listedFiles, withMade, withRestored } from "../../src/jobs/made-files.ts";

const file = (index: number, path = `/${index}.png`): Medium => ({
  index,
  url: "",
  path,
  mimeType: "image/png",
  sizeBytes: 1,
  sha256: "ab",
  copies: [],
});
const made = (path: string) => {
  const { index: _, ...facts } = file(0, path);
  return { ...facts, role: "sheet" as const };
};

describe("a file made of a job's files", () => {
  it("comes after them, under the next number", () => {
    expect(withMade([file(1), file(3)], made("/sheet.png"), undefined)).toEqual([
      file(1),
      file(3),
      { ...made("/sheet.png"), index: 4 },
    ]);
  });

  it("takes the place and the number of the one that was lost", () => {
    const before = [file(1), { ...made("/lost.png"), index: 2 }, file(3)];
    expect(withMade(before, made("/new.png"), "/lost.png")).toEqual([
      file(1),
      { ...made("/new.png"), index: 2 },
      file(3),
    ]);
  });

  it.each([undefined, "/lost.png"])(
    "gives way to one made meanwhile, where %s was lost",
    (lost) => {
      const before = [file(1), { ...made("/other.png"), index: 2 }];
      expect(withMade(before, made("/new.png"), lost)).toBe(before);
    },
  );
});

describe("files that were brought back", () => {
  it("replace those of their numbers; what came meanwhile stays", () => {
    const meanwhile = { ...made("/sheet.png"), index: 4 };
    const again = [file(1, "/again.png"), file(2), file(3)];
    expect(withRestored([file(1), file(2), meanwhile], again)).toEqual([...again, meanwhile]);
  });
});

describe("the files that are listed", () => {
  const sheet = { ...made("/sheet.png"), index: 3 };

  it("are not a sheet that was made for an answer, but that of layers", () => {
    expect(listedFiles({ media: [file(1), file(2), sheet] })).toEqual([file(1), file(2)]);
    const composite = { ...file(2), role: "composite" as const };
    const layers = [file(1), composite, sheet];
    expect(listedFiles({ media: layers })).toEqual(layers);
  });
});
