import { element } from "./dom.ts";

export interface Layer {
  name: string;
  src: string;
}

/**
 * Layers over each other, the first at the bottom. Each can be switched on and off, and a slider
 * looks through them from the bottom up.
 */
export function layerStack(layers: readonly Layer[]): HTMLElement {
  const pictures = layers.map(({ name, src }) =>
    element("img", { attributes: { src, alt: name } }),
  );
  const switches = layers.map(({ name }, index) => {
    const box = element("input", { attributes: { type: "checkbox" } });
    box.checked = true;
    box.addEventListener("change", () => show(index, box.checked));
    return { box, label: element("label", {}, [box, ` ${name}`]) };
  });
  const show = (index: number, isOn: boolean) => {
    const [picture, one] = [pictures[index], switches[index]];
    if (picture) picture.hidden = !isOn;
    if (one) one.box.checked = isOn;
  };
  const all = String(layers.length);
  const depth = element("input", {
    attributes: { type: "range", min: "1", max: all, value: all, "aria-label": "Layers shown" },
    on: {
      input: () => {
        for (const index of layers.keys()) show(index, index < Number(depth.value));
      },
    },
  });
  return element("div", { class: "stack" }, [
    element("div", { class: "pile checkered" }, pictures),
    element("fieldset", {}, [
      element("legend", { text: "Layers, from the bottom up" }),
      element("label", { class: "depth" }, ["Look through ", depth]),
      ...switches.map(({ label }) => label),
    ]),
  ]);
}
