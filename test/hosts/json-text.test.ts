import fc from "fast-check";
import { parse } from "jsonc-parser";
import { describe, expect, it } from "vitest";
import { dropJson, jsonAt, putJson, readJson } from "../../src/hosts/json-text.ts";

const PLACE = ["mcpServers", "longcat"];
const ENTRY = { command: "node", args: ["/x/cli.js"] };
const put = (text: string) => putJson(text, PLACE, ENTRY);

/** Texts as hosts and people write them, and what becomes of each. */
const CASES: readonly [name: string, before: string, after: string][] = [
  [
    "an empty file",
    "",
    '{\n  "mcpServers": {\n    "longcat": {\n      "command": "node",\n      "args": [\n        "/x/cli.js"\n      ]\n    }\n  }\n}\n',
  ],
  [
    "an object on one line",
    '{"a":1}',
    '{"a":1,"mcpServers":{"longcat":{"command":"node","args":["/x/cli.js"]}}}',
  ],
  [
    "an object on one line with blanks",
    '{ "mcpServers": { "other": { "command": "x" } } }\n',
    '{ "mcpServers": { "other": { "command": "x" }, "longcat": { "command": "node", "args": ["/x/cli.js"] } } }\n',
  ],
  [
    "comments before, beside and behind, with tabs",
    '// mine\n{\n\t"mcpServers": {\n\t\t// first\n\t\t"other": { "command": "x" } // beside\n\t\t/* "off": {} */\n\t}, // end\n\t"theme": "dark"\n}\n',
    '// mine\n{\n\t"mcpServers": {\n\t\t// first\n\t\t"other": { "command": "x" }, // beside\n\t\t/* "off": {} */\n\t\t"longcat": {\n\t\t\t"command": "node",\n\t\t\t"args": [\n\t\t\t\t"/x/cli.js"\n\t\t\t]\n\t\t}\n\t}, // end\n\t"theme": "dark"\n}\n',
  ],
  [
    "a comma at the end",
    '{\n  "mcpServers": {\n    "other": 1,\n  },\n}\n',
    '{\n  "mcpServers": {\n    "other": 1,\n    "longcat": {\n      "command": "node",\n      "args": [\n        "/x/cli.js"\n      ]\n    },\n  },\n}\n',
  ],
  [
    "an empty list of servers with a comment in it, and line ends of Windows",
    '{\r\n    "mcpServers": { // none yet, {really}\r\n    }\r\n}',
    '{\r\n    "mcpServers": { // none yet, {really}\r\n        "longcat": {\r\n            "command": "node",\r\n            "args": [\r\n                "/x/cli.js"\r\n            ]\r\n        }\r\n    }\r\n}',
  ],
];

describe("putting a server into JSON", () => {
  it.each(CASES)("leaves everything else as it is in %s", (_, before, after) => {
    expect(put(before)).toBe(after);
    expect(put(after)).toBe(after);
  });

  it.each(CASES.slice(1))("and takes it out again: %s", (_, before) => {
    const without = dropJson(put(before), PLACE);
    const isMade = jsonAt(before, ["mcpServers"]) === undefined;
    const whole = isMade ? dropJson(without, ["mcpServers"]) : without;
    // Between braces that hold nothing but a comment or blanks, only those may differ.
    expect(whole.replaceAll(/\s+\}/g, "}")).toBe(before.replaceAll(/\s+\}/g, "}"));
  });

  it("keeps a byte order mark, and the comments of a file that holds nothing else", () => {
    expect(put("\uFEFF{}").startsWith("\uFEFF{")).toBe(true);
    expect(put("// settings\n")).toMatch(/^\/\/ settings\n\{\n {2}"mcpServers"/);
  });

  it("takes the place of null, and of the one that counts of two with one name", () => {
    expect(jsonAt(put('{"mcpServers":null}'), PLACE)).toEqual(ENTRY);
    const twice = '{"mcpServers":{"a":1},"mcpServers":{"b":2}}';
    expect(jsonAt(put(twice), PLACE)).toEqual(ENTRY);
    expect(put(twice)).toContain('{"a":1}');
  });

  it("changes of an entry only what differs, and keeps comments in it", () => {
    const before =
      '{\n  "mcpServers": {\n    "longcat": {\n      // mine\n      "command": "nodejs", // old\n      "args": ["/x/cli.js"],\n      "timeout": 5\n    }\n  }\n}\n';
    const value = { ...ENTRY, timeout: 5 };
    expect(putJson(before, PLACE, value)).toBe(before.replace('"nodejs"', '"node"'));
    expect(putJson(before, PLACE, ENTRY)).not.toContain("timeout");
  });

  it.each([
    ["{", /CloseBraceExpected in line 1/],
    ['{"a": tru}', /line 1, column 7/],
    ['{\n  "a": 1\n  "b": 2\n}', /CommaExpected in line 3/],
    ["[1]", /no JSON object/],
    ['{"mcpServers": []}', /other than an object at mcpServers/],
    ['{"mcpServers": "x"}', /other than an object/],
  ])("refuses %s and says where it is wrong", (text, words) => {
    expect(() => put(text)).toThrow(words);
  });

  it("loses nothing of any document, and comes back to what it said", () => {
    const name = fc.constantFrom("a", "b c", "longcat2", "mcpServers", 'q"', "__proto__", "ü");
    const { tree } = fc.letrec((tie) => ({
      tree: fc.oneof(
        { depthSize: "small" },
        fc.integer(),
        fc.constantFrom("text", "// no comment", "{,}", ""),
        fc.boolean(),
        fc.constant(null),
        fc.array(tie("tree"), { maxLength: 3 }),
        fc.dictionary(name, tie("tree"), { maxKeys: 4 }),
      ),
    }));
    const layout = fc.constantFrom<(json: unknown) => string>(
      (json) => JSON.stringify(json),
      (json) => JSON.stringify(json, undefined, 2),
      (json) => JSON.stringify(json, undefined, "\t").replaceAll("\n", "\r\n"),
      (json) => JSON.stringify(json, undefined, 4).replaceAll(/([{,])\n/g, "$1 // note\n"),
    );
    fc.assert(
      fc.property(fc.dictionary(name, tree, { maxKeys: 4 }), layout, (json, render) => {
        const { mcpServers, ...others } = json;
        const servers =
          typeof mcpServers === "object" && mcpServers !== null && !Array.isArray(mcpServers)
            ? mcpServers
            : {};
        const text = render({ ...others, mcpServers: servers });
        const changed = put(text);
        expect(parse(changed)).toEqual({
          ...parse(text),
          mcpServers: { ...parse(text).mcpServers, longcat: ENTRY },
        });
        expect(readJson(dropJson(changed, PLACE))).toEqual(readJson(text));
        const notes = (of: string) => of.split("// note").length;
        expect(notes(changed)).toBe(notes(text));
      }),
    );
  });
});
