type Child = Node | string | undefined;

interface Wishes {
  class?: string;
  text?: string;
  attributes?: Readonly<Record<string, string>>;
  on?: Readonly<Record<string, (event: Event) => void>>;
}

/** An element with its children. What is text stays text: nothing is ever read as HTML. */
export function element<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  wishes: Wishes = {},
  children: readonly Child[] = [],
): HTMLElementTagNameMap[K] {
  const made = document.createElement(tag);
  if (wishes.class !== undefined) made.className = wishes.class;
  if (wishes.text !== undefined) made.textContent = wishes.text;
  for (const [name, value] of Object.entries(wishes.attributes ?? {})) {
    made.setAttribute(name, value);
  }
  for (const [type, listener] of Object.entries(wishes.on ?? {})) {
    made.addEventListener(type, listener);
  }
  made.append(...children.filter((child) => child !== undefined));
  return made;
}

export function button(text: string, onPress: () => void, title?: string): HTMLButtonElement {
  const attributes = { type: "button", ...(title === undefined ? {} : { title }) };
  return element("button", { text, attributes, on: { click: onPress } });
}

/** A name and what it is, as a row of a list of facts. */
export function fact(name: string, value: string): HTMLElement[] {
  return [element("dt", { text: name }), element("dd", { text: value })];
}
