import { completable, type McpServer } from "@modelcontextprotocol/server";
import * as z from "zod";
import { cleanText, message, oneLine } from "../core/text.ts";
import { ANY_MEDIUM } from "../core/uris.ts";
import { OPERATION_NAMES } from "../models/names.prepared.ts";

const makers = OPERATION_NAMES.map(({ name }) => name).filter((name) => name.endsWith("_generate"));

/**
 * Ready-made openings; some hosts show them as slash commands.
 * @param isThere whether one of them is there for who calls
 */
export function registerPrompts(server: McpServer, isThere: (name: string) => boolean): void {
  const createImage = server.registerPrompt(
    "create_image",
    {
      title: "Create a picture",
      description: "Make a picture from a description",
      argsSchema: z.object({
        subject: z.string().describe("What to show"),
        model: completable(z.string().optional().describe("A start tool's name"), (prefix) =>
          makers.filter((name) => name.startsWith(prefix ?? "")),
        ),
      }),
    },
    ({ subject, model }) =>
      say(
        `Make a picture of: ${message(subject)}\n\n` +
          `${model ? `Use the tool \`${oneLine(model)}\`.` : "Choose a fitting tool; `image_models` compares them."} ` +
          "Write a specific prompt (subject, setting, light, style), call the tool once, follow the job with `job_status` if needed, then show the picture and its path.",
      ),
  );
  const compareModels = server.registerPrompt(
    "compare_models",
    {
      title: "Compare models",
      description: "Make the same picture with several models, and compare them",
      argsSchema: z.object({ wish: z.string().optional().describe("What to show") }),
    },
    async ({ wish }) =>
      say(
        `${wish ? `Make a picture of this with several models, so that I can compare them: ${message(wish)}` : "Make the same picture with several models, so that I can compare them. Ask me first what to show."}\n\n` +
          `The models, each with its own names of sizes:\n${(await import("./makers.ts")).makersWithSizes()}\n\n` +
          "Choose three that fit, unless I named some. Write one specific prompt and give it to each of them word for word, with the size of each that comes nearest to the others; leave out what only one of them has. Call each with `dry_run: true` first, tell me what all of them cost together, and wait for my word. Then call each once with `wait_seconds: 0`, follow them with `job_status`, and show the pictures side by side with model, size, time and cost.",
      ),
  );
  const editImage = server.registerPrompt(
    "edit_image",
    {
      title: "Edit a picture",
      description: "Change a picture as described",
      argsSchema: z.object({
        image: z.string().describe(`URL, path, data URI or ${ANY_MEDIUM} of the picture`),
        change: z.string().describe("What to change"),
      }),
    },
    ({ image, change }) =>
      say(
        `Edit this picture: ${oneLine(image)}\nChange: ${message(change)}\n\n` +
          "Use `qwen_image_edit`. Say in the prompt what must change and what must stay, call the tool once, then show the result and its path.",
      ),
  );
  const trainLora = server.registerPrompt(
    "train_lora",
    {
      title: "Train a LoRA",
      description: "Train a LoRA from a ZIP or folder of picture pairs",
      argsSchema: z.object({
        image_data_url: z.string().describe("URL or path of the ZIP, or path of the folder"),
        goal: z.string().optional().describe("What the LoRA should learn"),
      }),
    },
    ({ image_data_url, goal }) =>
      say(
        `Train a LoRA with \`qwen_image_edit_plus_train\` from ${oneLine(image_data_url)}.\n` +
          `${goal ? `It should learn: ${message(goal)}. Use that as \`default_caption\`.\n` : ""}\n` +
          "Call it with `dry_run: true` first: that examines a local set and says what it would cost. Tell me both before you start, start it once with `wait_seconds: 0`, give me the job id, and look again with `job_status` later: training takes long.",
      ),
  );
  const delegate = server.registerPrompt(
    "delegate",
    {
      title: "Delegate a task",
      description: "Let LongCat read or write much and bring back only the answer",
      argsSchema: z.object({
        task: z.string().describe("What to do"),
        files: z.string().optional().describe("Paths, folders or globs, separated by commas"),
      }),
    },
    ({ task, files }) =>
      say(
        `Delegate this with \`longcat_chat\`: ${cleanText(task)}\n` +
          `${files ? `Attach with \`files\`: ${message(files)}. Do not read them yourself.\n` : ""}\n` +
          "Write a prompt that says all the delegate needs: it knows nothing of our conversation and can use no tools. Ask for the form of the answer that you need. Continue with its `thread_id` where something is missing, check what matters, then tell me the result in your own words.",
      ),
  );
  const all = {
    create_image: createImage,
    compare_models: compareModels,
    edit_image: editImage,
    train_lora: trainLora,
    delegate,
  };
  for (const [name, prompt] of Object.entries(all)) if (!isThere(name)) prompt.remove();
}

function say(text: string) {
  return { messages: [{ role: "user" as const, content: { type: "text" as const, text } }] };
}
