import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { PUBLIC_PORT_UNSET, portAbove } from "../../src/core/public-port.ts";
import { SETTINGS, type SettingSpec, shownDefault } from "../../src/settings/specs.ts";

/** Read by tests of the built program only, so that it is no setting. */
const NO_SETTINGS = ["LONGCAT_MCP_TEST_CRASH_AT"];
const specs: readonly SettingSpec[] = Object.values(SETTINGS);
const known = [
  ...NO_SETTINGS,
  ...specs.flatMap(({ env, secret }) => (secret ? [env, `${env}_FILE`] : [env])),
];

const files = readdirSync("src", { recursive: true, encoding: "utf8" })
  .filter((name) => name.endsWith(".ts"))
  .map((name) => ({ name, text: readFileSync(join("src", name), "utf8") }));

describe("a setting", () => {
  it("is there, wherever the program names it", () => {
    expect(files.length).toBeGreaterThan(100);
    const named = files.flatMap(({ name, text }) =>
      [...text.matchAll(/\b(?:LONGCAT|PIXAZO)_[A-Z_]*[A-Z]\b/g)].map(([one]) => ({ name, one })),
    );
    expect(named.length).toBeGreaterThan(100);
    expect(named.filter(({ one }) => !known.includes(one) && one !== "LONGCAT_MCP")).toEqual([]);
  });

  it("has its default where it is declared, and nowhere else", () => {
    // Short ones are words and numbers like any others.
    const telling = specs.flatMap((spec) => spec.default ?? []).filter((one) => one.length > 10);
    expect(telling.length).toBeGreaterThan(3);
    const places = telling.map((one) =>
      files.filter(({ name, text }) => text.includes(`"${one}"`) && !isElsewhere(name)),
    );
    expect(places.map((found) => found.map(({ name }) => name))).toEqual(
      telling.map(() => [join("settings", "specs.ts")]),
    );
  });

  it("says of the public port what holds", () => {
    expect(shownDefault(SETTINGS.publicPort)).toContain(PUBLIC_PORT_UNSET);
    expect([portAbove(8787), portAbove(65_534), portAbove(65_535)]).toEqual([
      8788,
      65_535,
      undefined,
    ]);
  });
});

/** What knows a model by its documents, and is written again from them on purpose. */
function isElsewhere(name: string): boolean {
  return name.startsWith("sandbox") || name === join("tools", "chat-tools.ts");
}
