/** A ready-made opening, around the one thing that a person says. */
export interface Opening {
  title: string;
  description: string;
  /** What the one argument is. */
  wish: string;
  /** What is to be done, above the wish. */
  task: string;
  /** What to ask for where no wish came. */
  question: string;
  /** How it is to be done. */
  advice: string;
  /** Whether the models that make pictures of words follow, with the sizes of each. */
  listsMakers?: boolean;
}

const SHOW = "Then show the picture, and where it is.";
const WHICH =
  "The picture may be named by URL, data URI, longcat address or, on this machine, path, or be one that was made before: `job_list` finds those.";
const PRICE =
  "Call each with `dry_run: true` first, tell me what all of them cost together, and wait for my word.";

/** All openings, by name. Hosts pass one argument at most unharmed, so that each has one. */
export const OPENINGS: Readonly<Record<string, Opening>> = {
  create_image: {
    title: "Create a picture",
    description: "Make a picture from a description",
    wish: "What to show",
    task: "Make a picture for me.",
    question: "what to show",
    advice: `Choose a fitting start tool, the one that I name if I name one; \`image_models\` compares them. Write a specific prompt (subject, setting, light, style), call the tool once, and follow the job with \`job_status\` if needed. ${SHOW}`,
  },
  edit_image: {
    title: "Edit a picture",
    description: "Change a picture as described",
    wish: "Which picture, and what to change",
    task: "Edit a picture for me.",
    question: "which picture to edit and what to change",
    advice: `${WHICH} Use \`qwen_image_edit\`. Say in the prompt what must change and what must stay, and call the tool once. ${SHOW}`,
  },
  compare_models: {
    title: "Compare models",
    description: "Make the same picture with several models, and compare them",
    wish: "What to show",
    task: "Make a picture of the same wish with several models, so that I can compare them.",
    question: "what to show",
    advice: `Choose three that fit, unless I named some; \`image_models\` says more of them. Write one specific prompt and give it to each of them word for word, with the size of each that comes nearest to the others; leave out what only one of them has. ${PRICE} Then call each once with \`wait_seconds: 0\`, follow them with \`job_status\`, and show the pictures side by side with model, size, time and cost.`,
    listsMakers: true,
  },
  product_shot: {
    title: "Product shot",
    description: "Show a product as for a shop or an advertisement",
    wish: "The product, a picture of it if there is one, and the scene",
    task: "Make a product shot for me.",
    question: "which product, whether there is a picture of it, and the scene",
    advice: `${WHICH} With a picture of the product use \`qwen_image_edit_plus_lora\` and put it into \`image_urls\`, so that shape, colours and label stay the same; without one use \`longcat_image_generate\`, with words that belong on the product in quotation marks. Say in the prompt: the product and what must stay of it, surface and background (plain white unless I say otherwise), light, angle and lens. Call the tool once. ${SHOW}`,
  },
  character_sheet: {
    title: "Character sheet",
    description: "Design a character and show it from several sides",
    wish: "The character, or a picture of it",
    task: "Make a character sheet for me: one character, the same in every picture.",
    question: "who the character is",
    advice: `${WHICH} Without a picture, make one first with \`longcat_image_generate\`: whole figure from the front, neutral pose, plain background; show it and wait for my word. Then plan one call of \`qwen_image_edit_plus_lora\` for each view, with that picture in \`image_urls\` and a prompt that names what stays (face, hair, clothes, colours, style) and what changes: three-quarter, side and back view, and three expressions. ${PRICE} Call each once with \`wait_seconds: 0\`, follow them with \`job_status\`, and show all, and where they are.`,
  },
  train_lora: {
    title: "Train a LoRA",
    description: "Train a LoRA from a ZIP or folder of picture pairs",
    wish: "The ZIP or folder, and what the LoRA should learn",
    task: "Train a LoRA for me.",
    question: "where the pairs of pictures are, and what the LoRA should learn",
    advice:
      "Use `qwen_image_edit_plus_train`: the ZIP, or on this machine the folder, is `image_data_url`, and what it should learn is `default_caption`. Call it with `dry_run: true` first: that examines a local set and says what it would cost. Tell me both before you start, start it once with `wait_seconds: 0`, give me the job id, and look again with `job_status` later: training takes long.",
  },
  delegate: {
    title: "Delegate a task",
    description: "Let LongCat read or write much and bring back only the answer",
    wish: "What to do, and the files to read",
    task: "Delegate a task for me with `longcat_chat`.",
    question: "what to delegate, and which files to give along",
    advice:
      "Attach the files, folders or globs that I name with `files`, and do not read them yourself. Write a prompt that says all the delegate needs: it knows nothing of our conversation and can use no tools. Ask for the form of the answer that you need. Continue with its `thread_id` where something is missing, check what matters, then tell me the result in your own words.",
  },
};
