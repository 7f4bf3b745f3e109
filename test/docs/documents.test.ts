import sharp from "sharp";
import { describe, expect, it } from "vitest";
import * as z from "zod";
import packageJson from "../../package.json" with { type: "json" };
import { ERROR_RULES } from "../../src/core/errors.ts";
import { argumentsTable } from "../../src/docs/arguments-table.ts";
import { documentedTools } from "../../src/docs/documented.ts";
import { manifestFile } from "../../src/docs/manifest.ts";
import { table } from "../../src/docs/markdown.ts";
import { BLOCKS, fillPages } from "../../src/docs/pages.ts";
import { registryFile } from "../../src/docs/registry-entry.ts";
import { describedFaults } from "../../src/sandbox/faults/fault-kinds.ts";
import { COMMANDS } from "../../src/settings/commands.ts";
import { readSettings } from "../../src/settings/settings.ts";
import { SETTINGS } from "../../src/settings/specs.ts";
import { advertisedSchema } from "../../src/tools/advertised-schema.ts";

describe("fillPages", () => {
  const place = (name: string) => `<!-- generated:${name} -->\n<!-- /generated:${name} -->`;
  const blocks = { tools: () => "| tools |", "more-tools": () => "| more |" };
  const fill = (...pages: readonly [string, string][]) => fillPages(new Map(pages), blocks);

  it("renews the generated parts and leaves the rest alone", () => {
    const page = `before\n${place("tools")}\nbetween\n${place("more-tools")}\nafter`;
    const filled = fill(["a.md", page]).get("a.md") ?? "";
    expect(filled).toBe(
      "before\n<!-- generated:tools -->\n\n| tools |\n\n<!-- /generated:tools -->\nbetween\n" +
        "<!-- generated:more-tools -->\n\n| more |\n\n<!-- /generated:more-tools -->\nafter",
    );
    expect(fill(["a.md", filled]).get("a.md")).toBe(filled);
  });

  it("leaves out pages without such parts, and lets several have the same", () => {
    const both = place("tools") + place("more-tools");
    const filled = fill(["a.md", both], ["b.md", "words"], ["c.md", place("tools")]);
    expect([...filled.keys()]).toEqual(["a.md", "c.md"]);
  });

  it("tells a part without a place, and a place without a part", () => {
    expect(() => fill(["a.md", place("tools")])).toThrow("No page has a place for: more-tools");
    const unknown = place("tools") + place("more-tools") + place("prices");
    expect(() => fill(["a.md", unknown])).toThrow("a.md: no such generated part: prices");
  });

  it("has every tool, setting, command, error and fault of the program", () => {
    const text = Object.values(BLOCKS)
      .map((render) => render())
      .join("\n");
    const names = [
      ...documentedTools().map(({ tool }) => tool.name),
      ...Object.values(SETTINGS).map(({ env }) => env),
      ...COMMANDS,
      ...Object.keys(ERROR_RULES),
      ...describedFaults().map(({ kind }) => kind),
    ];
    expect(names.length).toBeGreaterThan(80);
    expect(
      names.filter(
        (name) => !text.includes(`| \`${name}\` |`) && !text.includes(`### \`${name}\``),
      ),
    ).toEqual([]);
  });

  it("says of every fault what it does", () => {
    expect(describedFaults().filter(({ what }) => what.length < 10)).toEqual([]);
  });
});

describe("argumentsTable", () => {
  it("says type, limits and meaning of each argument", () => {
    const schema = z.object({
      size: z.enum(["small", "large"]).describe("How big"),
      steps: z.int().min(1).max(50).optional(),
      seed: z.int().min(0).optional(),
      urls: z.array(z.string()).min(1).max(10).optional(),
      shape: z.union([z.string().min(1), z.looseObject({ width: z.number() })]).optional(),
    });
    expect(argumentsTable(advertisedSchema(schema)).split("\n").slice(2)).toEqual([
      "| `size` (required) | string | `small`, `large` | How big |",
      "| `steps` | integer | 1 to 50 |  |",
      "| `seed` | integer | at least 0 |  |",
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

describe("what a shop shows of the bundle", () => {
  const shown = z
    .looseObject({
      long_description: z.string(),
      icon: z.string(),
      icons: z.array(z.strictObject({ src: z.string(), size: z.string() })),
      screenshots: z.array(z.string()),
      user_config: z.record(z.string(), z.looseObject({ sensitive: z.boolean().optional() })),
      homepage: z.url(),
      documentation: z.url(),
      support: z.url(),
    })
    .parse(JSON.parse(manifestFile(packageJson)));

  it("names both jobs, and asks for both keys as secrets", () => {
    expect(shown.long_description).toMatch(/\*\*Pictures\.\*\*[\s\S]*\*\*A delegate\.\*\*/);
    expect(packageJson.description).toMatch(/pictures.*delegate/);
    const secret = Object.entries(shown.user_config).filter(([, one]) => one.sensitive);
    expect(secret.map(([name]) => name)).toEqual(["api_key", "longcat_api_key"]);
  });

  it("are pictures that hosts can show, and that are there", async () => {
    expect(shown.icons).toEqual([{ src: shown.icon, size: "512x512" }]);
    expect(shown.screenshots.length).toBeGreaterThanOrEqual(3);
    for (const path of [shown.icon, ...shown.screenshots]) {
      const { format, width = 0, height = 0 } = await sharp(path).metadata();
      expect([path, format, Math.min(width, height) > 400]).toEqual([path, "png", true]);
    }
    // A tile with round corners, and something on it.
    const { data, info } = await sharp(shown.icon).raw().toBuffer({ resolveWithObject: true });
    const pixel = (x: number, y: number) => [
      ...data.subarray((y * info.width + x) * info.channels).subarray(0, info.channels),
    ];
    expect([info.width, info.height, info.channels]).toEqual([512, 512, 4]);
    expect(pixel(0, 0)[3]).toBe(0);
    expect(pixel(256, 12)).toEqual([124, 92, 255, 255]);
    expect((await sharp(shown.icon).stats()).channels[0]?.max).toBe(255);
  });
});

describe("the entry for the MCP registry", () => {
  const exact = z.string().regex(/^\d+\.\d+\.\d+(?:-[\w.]+)?$/);
  const input = z.strictObject({
    name: z.string().regex(/^[A-Z][A-Z0-9_]*$/),
    description: z.string().min(1),
    isRequired: z.boolean(),
    format: z.enum(["string", "number", "boolean", "filepath"]),
    default: z.string().optional(),
    isSecret: z.boolean().optional(),
  });
  /** What the registry's schema of 2025-12-11 asks for, as far as this entry goes. */
  const entrySchema = z.strictObject({
    $schema: z.literal(
      "https://static.modelcontextprotocol.io/schemas/2025-12-11/server.schema.json",
    ),
    name: z
      .string()
      .min(3)
      .max(200)
      .regex(/^[a-zA-Z0-9.-]+\/[a-zA-Z0-9._-]+$/),
    title: z.string().min(1).max(100),
    description: z.string().min(1).max(100),
    repository: z.strictObject({ url: z.url(), source: z.literal("github") }),
    websiteUrl: z.url(),
    version: exact,
    icons: z.array(
      z.strictObject({
        src: z.url({ protocol: /^https$/ }).max(255),
        mimeType: z.enum(["image/png", "image/jpeg", "image/jpg", "image/svg+xml", "image/webp"]),
        sizes: z.array(z.string().regex(/^(?:\d+x\d+|any)$/)),
      }),
    ),
    packages: z
      .array(
        z.strictObject({
          registryType: z.literal("npm"),
          identifier: z.string().min(1),
          version: exact,
          runtimeHint: z.literal("npx"),
          transport: z.strictObject({ type: z.literal("stdio") }),
          environmentVariables: z.array(input),
        }),
      )
      .length(1),
  });
  const entry = entrySchema.parse(JSON.parse(registryFile(packageJson)));
  const variables = entry.packages[0]?.environmentVariables ?? [];

  it("names the package that names it", () => {
    expect(entry.name).toBe(packageJson.mcpName);
    expect(entry.name).toMatch(/^io\.github\.longcat-mcp\//);
    expect(entry.packages[0]).toMatchObject({
      identifier: packageJson.name,
      version: entry.version,
    });
    expect(entry.repository.url).toMatch(/^https:\/\/[^\s]+(?<!\.git)$/);
  });

  it("has icons that lie at the release, as this folder has them", async () => {
    const found = entry.icons.map(async ({ src, mimeType, sizes }) => {
      const [, path = ""] = src.split(`/raw/v${entry.version}/`);
      const { format, width, height } = await sharp(path).metadata();
      expect(mimeType).toContain(format);
      expect(sizes).toEqual([format === "svg" ? "any" : `${width}x${height}`]);
      return format;
    });
    expect(await Promise.all(found)).toEqual(["png", "svg"]);
    expect(entry.icons.every(({ src }) => src.startsWith(`${entry.websiteUrl}/`))).toBe(true);
  });

  it("keeps both keys secret, and nothing else", () => {
    const secret = variables.filter(({ isSecret }) => isSecret).map(({ name }) => name);
    expect(secret).toEqual(["PIXAZO_API_KEY", "LONGCAT_API_KEY"]);
  });

  it("asks for settings that exist, with defaults that change nothing", () => {
    const known: readonly string[] = Object.values(SETTINGS).map(({ env }) => env);
    expect(variables.filter(({ name }) => !known.includes(name))).toEqual([]);
    const read = (env: Record<string, string>) =>
      readSettings({
        env: { HOME: "/home/user", ...env },
        flags: {},
        platform: "linux",
        workingDir: "/",
        readFile: () => "",
      });
    const defaults = variables.flatMap(({ name, default: value }) =>
      value === undefined ? [] : [[name, value]],
    );
    expect(defaults.length).toBeGreaterThan(1);
    expect(read(Object.fromEntries(defaults))).toEqual(read({}));
  });
});
