import { button, element } from "./dom.ts";

/** One picture over everything else, fitted, or as large as it is; Escape closes it. */
export class Lightbox {
  readonly #dialog: HTMLDialogElement;
  readonly #image = element("img");
  readonly #note = element("p", { attributes: { role: "status" } });
  /** Counts what was opened: what arrives late is of an earlier one. */
  #turn = 0;

  constructor(parent: HTMLElement) {
    const size = button("Actual size", () => {
      const isActual = this.#dialog.classList.toggle("actual");
      size.textContent = isActual ? "Fit" : "Actual size";
    });
    this.#dialog = element(
      "dialog",
      { class: "lightbox", attributes: { "aria-label": "Picture" } },
      [
        element("div", { class: "bar" }, [size, button("Close", () => this.#dialog.close())]),
        this.#note,
        element("div", { class: "canvas checkered", attributes: { tabindex: "0" } }, [this.#image]),
      ],
    );
    parent.append(this.#dialog);
  }

  /**
   * @param src what is there already, a smaller one
   * @param load fetches the picture itself; `undefined` where it cannot be had.
   */
  async open(alt: string, src: string, load: () => Promise<string | undefined>): Promise<void> {
    const turn = ++this.#turn;
    this.#image.src = src;
    this.#image.alt = alt;
    this.#note.textContent = "Loading the full size …";
    this.#dialog.showModal();
    const whole = await load().catch(() => undefined);
    if (turn !== this.#turn) return;
    if (whole !== undefined) this.#image.src = whole;
    this.#note.textContent = whole === undefined ? "A preview: the file itself is on disk." : "";
  }
}
