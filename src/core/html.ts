/** A piece of a page. Only {@link html} makes them, so that what is in one is safe to be read as HTML. */
export class Html {
  readonly #text: string;

  constructor(strings: readonly string[], values: readonly HtmlValue[]) {
    this.#text = strings
      .map((literal, at) => literal + (at < values.length ? asHtml(values[at]) : ""))
      .join("");
  }

  toString(): string {
    return this.#text;
  }
}

/** What can stand in a page: text of anybody's, pieces of pages, or nothing. */
export type HtmlValue = string | number | Html | readonly HtmlValue[] | undefined | false;

/**
 * THE way to make HTML: what stands in the template is ours, what is put into it is text and stays
 * text, in an element as well as in an attribute, which must be quoted. No address may be put into
 * an attribute that leads somewhere but one that was made here, and nothing into a script or style.
 */
export function html(strings: TemplateStringsArray, ...values: readonly HtmlValue[]): Html {
  return new Html(strings, values);
}

function asHtml(value: HtmlValue): string {
  if (value === undefined || value === false) return "";
  if (value instanceof Html) return value.toString();
  if (typeof value === "object") return value.map(asHtml).join("");
  return String(value).replaceAll(/[&<>"'`]/g, (one) => `&#${one.charCodeAt(0)};`);
}
