import { describe, expect, it } from "vitest";
import * as z from "zod";
import { createTools } from "../../src/tools/tool-list.ts";
import { idleToolDeps } from "../support/tool-deps.ts";
import { byPoints, byStems, byWords, type Found, type Search } from "./searches.ts";

const TEXT_TO_IMAGE = [
  "longcat_image_generate",
  "z_image_turbo_generate",
  "z_image_base_generate",
  "qwen_image_max_generate",
  "qwen_image_generate",
];
const EDIT = ["qwen_image_edit", "qwen_image_max_edit", "qwen_image_edit_plus_lora"];

/** What people say or models search for, and the tools that are right for it. */
const PHRASES: readonly [phrase: string, ...right: string[]][] = [
  ["make a picture of a cat", ...TEXT_TO_IMAGE],
  ["create an image", ...TEXT_TO_IMAGE],
  ["generate an image from text", ...TEXT_TO_IMAGE],
  ["text to image", ...TEXT_TO_IMAGE],
  ["draw a dragon", ...TEXT_TO_IMAGE],
  ["paint a sunset", ...TEXT_TO_IMAGE],
  ["I need a logo for my bakery", ...TEXT_TO_IMAGE],
  ["design a poster with a headline", ...TEXT_TO_IMAGE],
  ["illustration for my blog post", ...TEXT_TO_IMAGE],
  ["make a photo of a lake at dawn", ...TEXT_TO_IMAGE],
  ["fast image generation", "z_image_turbo_generate"],
  ["the fastest model for a quick draft picture", "z_image_turbo_generate"],
  ["highest quality image", "qwen_image_max_generate", "z_image_base_generate"],
  ["picture with Chinese text in it", "qwen_image_generate", "longcat_image_generate"],
  ["edit my photo", ...EDIT],
  ["change the sky in this picture", ...EDIT],
  ["remove the background", ...EDIT],
  ["retouch a portrait", ...EDIT],
  ["make the picture brighter and add a hat", ...EDIT],
  ["image editing", ...EDIT],
  ["combine two pictures into one scene", "qwen_image_edit_plus_lora"],
  ["use several reference images", "qwen_image_edit_plus_lora"],
  ["keep the same character across pictures", "qwen_image_edit_plus_lora"],
  ["split an image into layers", "qwen_image_layered"],
  ["cut out the object as transparent png", "qwen_image_layered"],
  ["train a lora", "qwen_image_edit_plus_train"],
  ["fine-tune a model on my own pictures", "qwen_image_edit_plus_train"],
  ["is my picture ready", "job_status"],
  ["check the status of the job", "job_status"],
  ["get the result of the image job", "job_status"],
  ["how long will it still take", "job_status"],
  ["show my earlier pictures", "job_list"],
  ["find the poster I made last week", "job_list"],
  ["history of what was generated", "job_list"],
  ["cancel the job", "job_cancel"],
  ["stop generating", "job_cancel"],
  ["delete a job and its prompt", "job_delete"],
  ["forget what I asked for", "job_delete"],
  ["save the picture to my desktop", "media_save"],
  ["download the image", "media_save"],
  ["convert it to jpeg", "media_save"],
  ["export the file as webp", "media_save"],
  ["ask another model", "longcat_chat"],
  ["summarise a large log file", "longcat_chat"],
  ["summarize these documents", "longcat_chat"],
  ["delegate reading the codebase", "longcat_chat"],
  ["get a second opinion from another LLM", "longcat_chat"],
  ["analyse many files without filling my context", "longcat_chat"],
  ["translate this long document", "longcat_chat"],
  ["which chat models are there", "longcat_models"],
  ["list earlier conversations with the delegate", "chat_threads"],
  ["delete a conversation thread", "chat_threads"],
  ["which image models are there", "image_models"],
  ["compare image models by price", "image_models"],
  ["what does a picture cost", "image_models"],
  ["what did I spend this month", "spending"],
  ["how much budget is left", "spending"],
  ["cost so far", "spending"],
  ["look up an old request id", "longcat_image_legacy_status"],
  ["image generator", ...TEXT_TO_IMAGE],
  ["create art of a castle", ...TEXT_TO_IMAGE],
  ["draw an icon", ...TEXT_TO_IMAGE],
  ["turn this photo into a watercolor", ...EDIT],
  ["replace the background of my picture", ...EDIT],
  ["separate foreground and background", "qwen_image_layered", ...EDIT],
  ["is it done yet", "job_status"],
  ["what is the job doing", "job_status"],
  ["list all jobs", "job_list"],
  ["abort the job", "job_cancel"],
  ["copy the result to the downloads folder", "media_save"],
  ["read these files and answer a question", "longcat_chat"],
  ["offload work to another LLM", "longcat_chat"],
  ["use a bigger context window", "longcat_chat", "longcat_models"],
  ["prices of the models", "image_models", "longcat_models"],
  ["available sizes and formats", "image_models"],
  ["money spent today", "spending"],
];

const LEGACY = "longcat_image_legacy_status";

const tools: Found[] = createTools(idleToolDeps())
  .filter(({ isForElsewhere }) => !isForElsewhere)
  .map(({ name, title, description, meta, inputSchema }) => ({
    name,
    title,
    description,
    hint: meta["anthropic/searchHint"] ?? "",
    fields: Object.keys(z.record(z.string(), z.unknown()).parse(inputSchema["properties"] ?? {})),
  }));

function missed(search: Search): string[] {
  return PHRASES.flatMap(([phrase, ...right]) => {
    const [first] = search(phrase, tools);
    return first && right.includes(first.name) ? [] : [`${phrase} → ${first?.name}`];
  });
}

describe("a model that searches for tools", () => {
  it.each<[string, Search, number]>([
    ["by the words of all texts", byWords, 0.9],
    ["by stems, as one host does", byStems, 0.9],
    ["by points, as another host does", byPoints, 0.8],
  ])("finds the right one first %s", (_, search, share) => {
    const wrong = missed(search);
    expect(1 - wrong.length / PHRASES.length, wrong.join("\n")).toBeGreaterThanOrEqual(share);
  });

  it("is tried with words that people use", () => {
    expect(PHRASES.length).toBeGreaterThanOrEqual(40);
    const named = new Set(PHRASES.flatMap(([, ...right]) => right));
    expect(tools.filter(({ name }) => !named.has(name))).toEqual([]);
  });

  it.each([
    ["by words", byWords],
    ["by stems", byStems],
    ["by points", byPoints],
  ])("does not find the legacy status first %s, unless it asks for that", (_, search) => {
    const others = PHRASES.filter(([, right]) => right !== LEGACY);
    expect(others.filter(([phrase]) => search(phrase, tools)[0]?.name === LEGACY)).toEqual([]);
  });
});
