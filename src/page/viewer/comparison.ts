import { element } from "./dom.ts";

/** A picture over what it was made from; a slider moves the edge between them. */
export function comparison(before: string, after: string): HTMLElement {
  const edge = element("input", {
    attributes: {
      type: "range",
      min: "0",
      max: "100",
      value: "50",
      "aria-label": "Before to after",
    },
    on: { input: () => move() },
  });
  const over = element("img", { class: "over", attributes: { src: before, alt: "Before" } });
  const move = () => {
    over.style.clipPath = `inset(0 ${100 - Number(edge.value)}% 0 0)`;
  };
  move();
  return element("div", { class: "comparison" }, [
    element("div", { class: "pair" }, [
      element("img", { attributes: { src: after, alt: "After" } }),
      over,
    ]),
    element("label", { class: "depth" }, ["Before ", edge, " After"]),
  ]);
}
