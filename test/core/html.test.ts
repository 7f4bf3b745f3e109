import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { html } from "../../src/core/html.ts";
import { anyText } from "../support/any-text.ts";

describe("html", () => {
  it("keeps text text, in an element and in an attribute", () => {
    const text = `<script>alert("1")</script> & 'x' \``;
    expect(String(html`<p title="${text}">${text}</p>`)).not.toMatch(/<script|"1"|'x'|& /);
    expect(String(html`<b>${"a"}</b>`)).toBe("<b>a</b>");
  });

  it("never lets a text end what it stands in", () => {
    fc.assert(
      fc.property(anyText({ maxLength: 40 }), (text) => {
        const whole = String(html`<p title="${text}">${text}</p>`);
        expect(whole.match(/[<>"]/g)?.join("")).toBe('<"">' + "<>");
      }),
    );
  });

  it("takes pieces, lists of them, numbers and nothing", () => {
    const rows = ["a<", "b"].map((one) => html`<li>${one}</li>`);
    expect(String(html`<ul>${rows}</ul>${undefined}${false}${0}`)).toBe(
      "<ul><li>a&#60;</li><li>b</li></ul>0",
    );
  });
});
