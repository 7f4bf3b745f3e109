import { describe, expect, it } from "vitest";
import { isOver, withoutWords } from "../../src/jobs/forgotten-words.ts";
import { leftJob } from "../support/rig.ts";

const asked = (input: Record<string, unknown>, change: object = {}) =>
  leftJob({ baseUrl: "https://a.example", state: "failed", charge: "none", input, ...change });

describe("what is left of a job where no prompts are kept", () => {
  it("are its choices and numbers, and no words, paths or addresses", () => {
    const kept = {
      ...{ num_images: 2, seed: 7, enable_safety_checker: true, image_size: "square_1_1" },
      ...{ size: "512*512", output_format: "png", webhook_events_filter: ["*"] },
      image_urls: ["longcat://media/job_abc/1"],
    };
    const gone = {
      ...{ prompt: "fox", negative_prompt: "rain", default_caption: "night", system: "Be" },
      ...{ image_url: "https://a.example/fox.png", image: "/home/me/fox.png" },
      ...{ image_data_url: "fox set", webhook: "https://me.example/fox" },
    };
    expect(withoutWords(asked({ ...kept, ...gone })).input).toEqual(kept);
    expect(withoutWords(asked({ image_size: { width: 5, height: 6 } })).input).toEqual({
      image_size: { width: 5, height: 6 },
    });
  });

  it.each([
    ["A red fox at dusk", 'Refused: "a RED Fox at dusk" is not allowed.'],
    ["Füchse im Schnee", "The words füchse, SCHNEE are not allowed."],
    ["猫が眠る", "「猫が眠る」は使えません"],
    ["лиса", "Слово «лиса» нельзя"],
  ])("is a reason that does not quote %j", (prompt, message) => {
    const job = asked({ prompt }, { error: { code: "content_rejected", message } });
    const { error } = withoutWords({ ...job, warnings: [message] });
    expect(error?.code).toBe("content_rejected");
    for (const word of prompt
      .split(" ")
      .filter((one) => one.length > 3 || /\P{ASCII}/u.test(one))) {
      expect(error?.message.toLowerCase()).not.toContain(word.toLowerCase());
    }
    expect(error?.message).toContain("…");
    expect(error?.message).toMatch(/not allowed|使えません|нельзя/);
  });

  it("counts a job as over once it has ended and is not in doubt, and a turn never", () => {
    expect(isOver(asked({}))).toBe(true);
    expect(isOver(asked({}, { charge: "uncertain" }))).toBe(true);
    expect(isOver(asked({}, { state: "unknown", charge: "uncertain" }))).toBe(false);
    expect(isOver(asked({}, { state: "unknown", charge: "spent" }))).toBe(true);
    expect(isOver(asked({}, { state: "running" }))).toBe(false);
    expect(isOver(asked({}, { threadId: "thread_a" }))).toBe(false);
  });
});
