import { readFile } from "node:fs/promises";
import { describe, expect, it } from "vitest";
import * as z from "zod";
import packageJson from "../../package.json" with { type: "json" };

/* The links of the README that add the server to a host by one click, as those hosts read them. */

const KEYS = ["PIXAZO_API_KEY", "LONGCAT_API_KEY"];

/** The query of the one link in the README that leads to a host. */
async function queryOf(host: string): Promise<URLSearchParams> {
  const readme = await readFile("README.md", "utf8");
  const links = [...readme.matchAll(/\]\((https:\/\/[^\s)]+)\)/g)].map(([, link = ""]) => link);
  const [own = "", ...more] = links.filter((link) => new URL(link).host === host);
  expect(more).toEqual([]);
  return new URL(own).searchParams;
}

const entrySchema = z.strictObject({
  type: z.literal("stdio").optional(),
  command: z.literal("npx"),
  args: z.tuple([z.literal("-y"), z.literal(packageJson.name)]),
  env: z.record(z.string(), z.string()),
});

describe("the link for Cursor", () => {
  it("adds the package by its name, with a place for each key and no key in it", async () => {
    const query = await queryOf("cursor.com");
    expect([...query.keys()]).toEqual(["name", "config"]);
    expect(query.get("name")).toBe("longcat");
    const config = Buffer.from(query.get("config") ?? "", "base64").toString("utf8");
    const { env } = entrySchema.parse(JSON.parse(config));
    expect(env).toEqual(Object.fromEntries(KEYS.map((name) => [name, ""])));
  });
});

describe("the link for VS Code", () => {
  it("adds the package, and has both keys asked for and kept by the host", async () => {
    const query = await queryOf("insiders.vscode.dev");
    expect([...query.keys()]).toEqual(["name", "inputs", "config"]);
    expect(query.get("name")).toBe("longcat");
    const inputs = z
      .array(
        z.strictObject({
          type: z.literal("promptString"),
          id: z.string(),
          description: z.string().min(5),
          password: z.literal(true),
        }),
      )
      .parse(JSON.parse(query.get("inputs") ?? ""));
    const { env, type } = entrySchema.parse(JSON.parse(query.get("config") ?? ""));
    expect(type).toBe("stdio");
    expect(Object.keys(env)).toEqual(KEYS);
    expect(Object.values(env)).toEqual(inputs.map(({ id }) => `\${input:${id}}`));
  });
});
