import { button, element } from "./dom.ts";
import type { Host } from "./host.ts";
import type { Fields } from "./json.ts";
import { type Action, actionArgs, repeatArgs, type ShownJob } from "./shown-answer.ts";

export interface ActionsOptions {
  host: Host;
  /** Calls a start tool and shows what comes of it. */
  start: (tool: string, args: Fields) => void;
  /** Says something to who looks at the page. */
  say: (text: string) => void;
}

/** What can be done with a job's pictures, as far as the host allows it. */
export function actionsFor(job: ShownJob, options: ActionsOptions): HTMLElement[] {
  const { host, start } = options;
  const first = job.pictures.find(({ role }) => role === undefined);
  const isDone = job.state === "completed";
  const wishes = element("div");
  const ask = (wish: HTMLElement) => {
    wishes.replaceChildren(wish);
    wish.querySelector("textarea")?.focus();
  };
  const prompt = typeof job.args["prompt"] === "string" ? job.args["prompt"] : undefined;
  const canCall = host.can("serverTools");
  const buttons = [
    ...(isDone && first && host.can("downloadFile")
      ? [button("Save", () => void save(job, options))]
      : []),
    ...(canCall && job.isFinal && job.canRepeat
      ? [button("Again", () => start(job.operation, repeatArgs(job)), "Buys another of the same")]
      : []),
    ...(canCall && job.isFinal && job.canRepeat && prompt !== undefined
      ? [
          button("Again with a change", () =>
            ask(
              wishFor("What should be made?", prompt, "Make it", (text) =>
                start(job.operation, repeatArgs(job, text)),
              ),
            ),
          ),
        ]
      : []),
    ...(canCall && isDone && first ? pictureButtons(job, first.uri, ask, start) : []),
  ];
  return buttons.length === 0
    ? []
    : [
        element(
          "div",
          { class: "bar", attributes: { role: "group", "aria-label": "Actions" } },
          buttons,
        ),
        wishes,
      ];
}

function pictureButtons(
  { edit, layers, areLayers }: ShownJob,
  uri: string,
  ask: (wish: HTMLElement) => void,
  start: ActionsOptions["start"],
): HTMLElement[] {
  const run = (action: Action, prompt?: string) =>
    start(action.tool, actionArgs(action, uri, prompt));
  return [
    ...(edit
      ? [
          button(
            "Edit this",
            () => ask(wishFor("What should change?", "", "Edit", (text) => run(edit, text))),
            edit.price,
          ),
        ]
      : []),
    ...(layers && !areLayers ? [button("Layers", () => run(layers), layers.price)] : []),
  ];
}

/**
 * A place for some words, and a button that sends them once there are any. No form: the frames of
 * hosts forbid those.
 */
function wishFor(label: string, value: string, go: string, send: (text: string) => void) {
  const field = element("textarea", { attributes: { rows: "3" } });
  field.value = value;
  const press = () => {
    const text = field.value.trim();
    if (text === "") field.focus();
    else send(text);
  };
  return element("div", { class: "wish" }, [
    element("label", {}, [label, field]),
    button(go, press),
  ]);
}

/** Gives the host the files to save; it asks where. */
async function save(job: ShownJob, { host, say }: ActionsOptions): Promise<void> {
  const own = job.pictures.filter(({ role }) => role === undefined);
  const contents = own.map(({ uri, mimeType }, index) => ({
    type: "resource_link",
    uri,
    name: `${job.operation}-${index + 1}.${mimeType.slice("image/".length)}`,
    mimeType,
  }));
  try {
    const { isError } = await host.request("ui/download-file", { contents });
    say(isError === true ? "The host did not save it." : "Handed to the host to save.");
  } catch (error) {
    say(error instanceof Error ? error.message : "The host did not save it.");
  }
}
