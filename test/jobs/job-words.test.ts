import { describe, expect, it } from "vitest";
import { askedWords, fileWords } from "../../src/jobs/job-words.ts";
import { leftJob } from "../support/rig.ts";

const words = (input: Record<string, unknown>, prompt?: string) =>
  askedWords({ operation: "qwen_image_edit", input }, prompt).filter(
    (word) => !["qwen", "image", "edit", "qwen_image_edit"].includes(word),
  );

const medium = (path: string, copies: string[] = []) => ({
  ...{ index: 1, url: "", mimeType: "image/png", sizeBytes: 1, sha256: "" },
  ...{ path, copies },
});

describe("a job is found by what was asked", () => {
  it.each([
    [{ prompt: "A Red Fox" }, ["red", "fox"]],
    [
      { prompt: "a", negative_prompt: "rain", system: "brief", default_caption: "dusk" },
      ["rain", "brief", "dusk"],
    ],
  ])("in the words of %j", (input, found) => {
    expect(words(input)).toEqual(expect.arrayContaining(found));
  });

  it("in the whole prompt, where the recorded one is cut", () => {
    expect(words({ prompt: "A red…" }, "A red fox")).toContain("fox");
    expect(words({ prompt: "A red fox" })).toContain("fox");
  });

  it("by its operation", () => {
    expect(askedWords({ operation: "longcat_chat", input: {} })).toEqual(
      expect.arrayContaining(["longcat", "chat"]),
    );
  });

  it("in each word once", () => {
    const found = words({ prompt: "fox fox FOX", image: "/home/fox/fox.png" });
    expect(found.filter((word) => word === "fox")).toHaveLength(1);
  });
});

describe("a job is found by the names of the files that it was given", () => {
  it.each([
    ["/home/anna/harbour.png", "harbour"],
    ["pictures\\harbour.png", "harbour"],
    ["./harbour", "harbour"],
    ["https://a.example/x/harbour.png?size=large#top", "harbour"],
    ["https://a.example/h%61rbour.png", "harbour"],
    ["folder/harbour/", "harbour"],
  ])("as in %s", (image, word) => {
    expect(words({ image })).toContain(word);
  });

  it.each([
    ["/home/anna/harbour.png", "anna"],
    ["https://a.example/secret/harbour.png?token=abc", "secret"],
    ["https://a.example/secret/harbour.png?token=abc", "token"],
    ["data:image/png;base64,harbour/harbour", "harbour"],
    ["longcat://media/job_harbour/1", "job_harbour"],
    ["square", "square"],
  ])("and by nothing else of %s", (image, word) => {
    expect(words({ image })).not.toContain(word);
  });

  it("in lists as well, of which very long ones have an end", () => {
    expect(words({ image_urls: ["a/one.png", 7, null, "b/two.png"] })).toEqual(
      expect.arrayContaining(["one", "two"]),
    );
    const many = Array.from({ length: 101 }, (_, at) => `a/file${at}x.png`);
    const found = words({ image_urls: many });
    expect(found).toContain("file99x");
    expect(found).not.toContain("file100x");
  });

  it("also where an address is badly escaped", () => {
    expect(words({ image: "https://a.example/100%-harbour.png" })).toContain("harbour");
  });
});

describe("a job is found by the names of its finished files", () => {
  it("and of their copies, each by its last part", () => {
    const media = [
      medium("/out/2026/fox.png", ["/home/anna/Desktop/winter-card.png"]),
      medium("/out/tree.png"),
    ];
    const found = fileWords(leftJob({ baseUrl: "https://a.example", media }));
    expect(found).toEqual(expect.arrayContaining(["fox", "winter", "card", "tree"]));
    for (const word of ["out", "2026", "anna", "desktop"]) expect(found).not.toContain(word);
  });

  it("by none where it has none", () => {
    expect(fileWords({ media: [] })).toEqual([]);
  });
});
