import { actionsFor } from "./actions.ts";
import { button, element } from "./dom.ts";
import { Host, Refused } from "./host.ts";
import { jobPanel } from "./job-panel.ts";
import { type Fields, fieldsOf, textOf } from "./json.ts";
import { Lightbox } from "./lightbox.ts";
import { Pictures } from "./pictures.ts";
import { type Shown, type ShownJob, shownIn } from "./shown-answer.ts";

/** How long one look at a job waits, in seconds: well within what hosts give a call. */
const LOOK_SECONDS = 20;
const AFTER_TROUBLE_MS = 5_000;
const TICK_MS = 1_000;

/** The page that a host shows beside an answer. */
class Viewer {
  readonly #window: Window;
  readonly #host: Host;
  readonly #pictures: Pictures;
  readonly #lightbox: Lightbox;
  readonly #status = element("span", { attributes: { role: "status" } });
  /** How long it has taken: not told aloud every second, as what has the role of a status is. */
  readonly #time = element("span", { attributes: { "aria-hidden": "true" } });
  readonly #bar = element("progress", { attributes: { max: "1", "aria-label": "Progress" } });
  readonly #body = element("main");
  /** Counts what was shown: what arrives late is of something else. */
  #turn = 0;
  #stopTicking = () => {};

  constructor(window: Window) {
    this.#window = window;
    this.#host = new Host(window, {
      onResult: (result) => void this.#show(shownIn(result)),
      onCancelled: () => this.#say("The call was given up. What it started goes on."),
      onContext: (context) => this.#dress(context),
    });
    this.#pictures = new Pictures(this.#host);
    this.#lightbox = new Lightbox(window.document.body);
    this.#bar.hidden = true;
    const line = element("p", { class: "status" }, [this.#status, this.#time]);
    window.document.body.prepend(line, this.#bar, this.#body);
    new ResizeObserver(() => this.#tellSize()).observe(window.document.documentElement);
  }

  async open(): Promise<void> {
    this.#say("Waiting for the picture …");
    this.#bar.hidden = false;
    this.#dress(await this.#host.connect("1"));
    this.#tellSize();
  }

  async #show(shown: Shown): Promise<void> {
    const turn = ++this.#turn;
    this.#stopTicking();
    if (shown.kind === "job") await this.#showJob(shown, turn);
    else if (shown.kind === "jobs") this.#showRows(shown.rows);
    else await this.#showPlain(shown, turn);
  }

  async #showJob(job: ShownJob, turn: number): Promise<void> {
    this.#tell(job);
    const panel = await jobPanel(job, this.#pictures, this.#lightbox);
    if (turn !== this.#turn) return;
    // Until its pictures are there as well.
    this.#bar.hidden = job.isFinal;
    const actions = actionsFor(job, {
      host: this.#host,
      start: (tool, args) => void this.#start(tool, args),
      say: (text) => this.#say(text),
    });
    this.#body.replaceChildren(...actions, ...panel);
    if (!job.isFinal) await this.#follow(job.jobId, turn);
  }

  /** Says how a job is doing, and goes on saying how long it has taken. */
  #tell(job: ShownJob): void {
    if (job.isFinal) {
      const why = job.error === undefined ? "" : `: ${job.error}`;
      this.#say(`${job.title}: ${job.state}${why}`);
      return;
    }
    this.#say(`${job.title}: ${job.state}`);
    const tick = () => {
      const seconds = Math.max(0, Math.round((Date.now() - Date.parse(job.createdAt)) / 1000));
      const usual = job.usualSeconds;
      this.#time.textContent = `, ${seconds} s${usual === undefined ? "" : ` of about ${usual} s`}`;
      if (usual === undefined) this.#bar.removeAttribute("value");
      else this.#bar.value = Math.min(0.95, seconds / usual);
    };
    tick();
    const timer = this.#window.setInterval(tick, TICK_MS);
    this.#stopTicking = () => this.#window.clearInterval(timer);
  }

  /** Looks at a job until it has ended or something else is shown. */
  async #follow(jobId: string, turn: number): Promise<void> {
    if (!this.#host.can("serverTools")) return;
    const look = { job_id: jobId, wait_seconds: LOOK_SECONDS, previews: "on" };
    const result = await this.#host.callTool("job_status", look).catch(() => undefined);
    if (turn !== this.#turn) return;
    if (result) return this.#show(shownIn(result));
    await new Promise((resolve) => this.#window.setTimeout(resolve, AFTER_TROUBLE_MS));
    if (turn === this.#turn) await this.#follow(jobId, turn);
  }

  #showRows(
    rows: readonly {
      jobId: string;
      createdAt: string;
      operation: string;
      state: string;
      prompt: string;
    }[],
  ): void {
    this.#bar.hidden = true;
    this.#say(rows.length === 1 ? "1 job" : `${rows.length} jobs`);
    const canOpen = this.#host.can("serverTools");
    const lines = rows.map(({ jobId, createdAt, operation, state, prompt }) => {
      const name = prompt === "" ? operation : prompt;
      const open = () => void this.#look(jobId);
      return element("li", {}, [
        canOpen ? button(name, open) : element("strong", { text: name }),
        element("span", { class: "caption", text: `${createdAt}, ${operation}, ${state}` }),
      ]);
    });
    this.#body.replaceChildren(element("ol", { class: "rows" }, lines));
  }

  async #showPlain(
    { jobId, text, srcs }: Extract<Shown, { kind: "plain" }>,
    turn: number,
  ): Promise<void> {
    this.#bar.hidden = true;
    this.#say("");
    this.#body.replaceChildren(
      ...srcs.map((src) => element("img", { attributes: { src, alt: "Picture" } })),
      element("p", { class: "plain", text }),
    );
    if (jobId === undefined || srcs.length > 0 || !this.#host.can("serverTools")) return;
    const seen = await this.#host.callTool("job_status", { job_id: jobId }).catch(() => undefined);
    const shown = seen && shownIn(seen);
    if (turn === this.#turn && shown?.kind === "job") await this.#show(shown);
  }

  async #look(jobId: string): Promise<void> {
    await this.#call("job_status", { job_id: jobId, wait_seconds: 0, previews: "on" });
  }

  /** Starts something that the person at the page wants, and tells the assistant of it. */
  async #start(tool: string, args: Fields): Promise<void> {
    const shown = await this.#call(tool, { ...args, wait_seconds: 0 });
    if (shown?.kind !== "job" || !this.#host.can("updateModelContext")) return;
    const text = `In the viewer the user started ${shown.jobId} (${tool}). job_status shows it.`;
    await this.#host
      .request("ui/update-model-context", { content: [{ type: "text", text }] })
      .catch(() => undefined);
  }

  async #call(tool: string, args: Fields): Promise<Shown | undefined> {
    const turn = ++this.#turn;
    this.#stopTicking();
    for (const one of this.#body.querySelectorAll("button")) one.disabled = true;
    this.#say("Asking …");
    try {
      const result = await this.#host.callTool(tool, args);
      if (turn !== this.#turn) return undefined;
      const shown = shownIn(result);
      // What was refused is told above what is still there.
      if (shown.kind === "plain" && result["isError"] === true) this.#refused(shown.text);
      else void this.#show(shown);
      return shown;
    } catch (error) {
      if (turn === this.#turn)
        this.#refused(error instanceof Refused ? error.message : "No answer.");
      return undefined;
    }
  }

  #refused(text: string): void {
    for (const one of this.#body.querySelectorAll("button")) one.disabled = false;
    this.#say(text);
  }

  #say(text: string): void {
    // The same words again would be told aloud again.
    if (this.#status.textContent !== text) this.#status.textContent = text;
    this.#time.textContent = "";
  }

  /** Wears the host's colours. */
  #dress(context: Fields): void {
    const root = this.#window.document.documentElement;
    const theme = context["theme"];
    if (theme === "light" || theme === "dark") root.style.colorScheme = theme;
    const variables = fieldsOf(fieldsOf(context["styles"])["variables"]);
    for (const [name, value] of Object.entries(variables)) {
      if (name.startsWith("--") && typeof value === "string") root.style.setProperty(name, value);
    }
    const language = textOf(context["locale"]);
    if (language !== undefined) root.dataset["locale"] = language;
  }

  #tellSize(): void {
    const { scrollHeight, clientWidth } = this.#window.document.documentElement;
    this.#host.notify("ui/notifications/size-changed", {
      width: clientWidth,
      height: Math.ceil(scrollHeight),
    });
  }
}

void new Viewer(window).open().catch(() => undefined);
