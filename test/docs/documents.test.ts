import { describe, expect, it } from "vitest";
import * as z from "zod";
import packageJson from "../../package.json" with { type: "json" };
import { argumentsTable } from "../../src/docs/arguments.ts";
import { manifestFile } from "../../src/docs/manifest.ts";
import { table } from "../../src/docs/markdown.ts";
import { fillReadme } from "../../src/docs/readme.ts";
import { readSettings } from "../../src/settings/settings.ts";
import { advertisedSchema } from "../../src/tools/tool.ts";

const EMPTY = ["tools", "settings"]
  .map((name) => `<!-- generated:${name} -->\n<!-- /generated:${name} -->`)
  .join("\nbetween\n");

describe("fillReadme", () => {
  it("renews the generated parts and leaves the rest alone", () => {
    const filled = fillReadme(`before\n${EMPTY}\nafter`);
    expect(filled).toContain("| `longcat_image_generate` |");
    expect(filled).toContain("| `LONGCAT_MCP_SANDBOX` |");
    expect(filled).toMatch(/^before\n[\s\S]*\nbetween\n[\s\S]*\nafter$/);
    expect(fillReadme(filled)).toBe(filled);
  });

  it("tells a part without a place, and a place without a part", () => {
    expect(() => fillReadme("nothing")).toThrow("no place for: tools, settings");
    const unknown = "<!-- generated:prices -->\n<!-- /generated:prices -->";
    expect(() => fillReadme(`${EMPTY}\n${unknown}`)).toThrow("no such generated part: prices");
  });
});

describe("argumentsTable", () => {
  it("says type, limits and meaning of each argument", () => {
    const schema = z.object({
      size: z.enum(["small", "large"]).describe("How big"),
      steps: z.int().min(1).max(50).optional(),
      seed: z.int().min(0).optional(),
      name: z.string().min(1).optional(),
      urls: z.array(z.string()).min(1).max(10).optional(),
      shape: z.union([z.string().min(1), z.looseObject({})]).optional(),
    });
    expect(argumentsTable(advertisedSchema(schema)).split("\n").slice(2)).toEqual([
      "| `size` (required) | string | `small`, `large` | How big |",
      "| `steps` | integer | 1 to 50 |  |",
      "| `seed` | integer | at least 0 |  |",
      "| `name` | string | not empty |  |",
      "| `urls` | list of string | 1 to 10 entries |  |",
      "| `shape` | string or object |  |  |",
    ]);
  });
});

describe("table", () => {
  it("keeps every cell on its line and in its column", () => {
    expect(table(["a"], [["x | y\nz"]])).toBe("| a |\n| --- |\n| x \\| y z |");
  });
});

describe("the manifest", () => {
  const manifest = z
    .looseObject({
      server: z.looseObject({
        mcp_config: z.looseObject({ env: z.record(z.string(), z.string()) }),
      }),
      user_config: z.record(
        z.string(),
        z.looseObject({ default: z.unknown().optional(), required: z.boolean() }),
      ),
    })
    .parse(JSON.parse(manifestFile(packageJson)));
  const { env } = manifest.server.mcp_config;
  const read = (variables: Readonly<Record<string, string>>) =>
    readSettings({
      env: { HOME: "/home/user", ...variables },
      flags: {},
      platform: "linux",
      workingDir: "/",
      readFile: () => "",
    });

  it("changes nothing while the user has filled in nothing", () => {
    const asHostDoes = Object.fromEntries(
      Object.entries(env).map(([variable, text]) => [
        variable,
        text.replace(/^\$\{user_config\.(\w+)\}$/, (whole, name: string) =>
          String(manifest.user_config[name]?.default ?? whole),
        ),
      ]),
    );
    expect(read(asHostDoes)).toEqual(read({}));
  });

  it("asks for nothing that must be given, and for every variable that it sets", () => {
    const asked = Object.keys(manifest.user_config).map((name) => `\${user_config.${name}}`);
    expect(Object.values(env)).toEqual(asked);
    expect(Object.values(manifest.user_config).filter(({ required }) => required)).toEqual([]);
  });
});
