import { existsSync, readdirSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { parseDocument } from "yaml";
import * as z from "zod";
import packageJson from "../../package.json" with { type: "json" };

/** What a file says as YAML, in which nothing is said twice. */
function yamlOf(path: string): unknown {
  const document = parseDocument(readFileSync(path, "utf8"), { uniqueKeys: true });
  expect([...document.errors, ...document.warnings]).toEqual([]);
  return document.toJS();
}

const filesIn = (folder: string) => readdirSync(folder).map((name) => `${folder}/${name}`);

const stepSchema = z.union([
  z.strictObject({
    uses: z.string().regex(/^[\w-]+\/[\w-]+@v\d+$/),
    with: z.record(z.string(), z.union([z.string(), z.number()])).optional(),
  }),
  z.strictObject({
    name: z.string().optional(),
    run: z.string().min(1),
    env: z.record(z.string(), z.string()).optional(),
  }),
]);
const workflowSchema = z.looseObject({
  name: z.string(),
  on: z.record(z.string(), z.unknown()),
  permissions: z.record(z.string(), z.enum(["read", "write", "none"])),
  jobs: z.record(
    z.string(),
    z.looseObject({
      "runs-on": z.string(),
      "timeout-minutes": z.number(),
      steps: z.array(stepSchema).min(1),
    }),
  ),
});

describe.each(filesIn(".github/workflows"))("%s", (path) => {
  const workflow = workflowSchema.parse(yamlOf(path));
  const said = Object.values(workflow.jobs)
    .flatMap(({ steps }) => steps)
    .map((step) => ("run" in step ? step.run : ""))
    .join("\n");

  it("runs scripts and files that exist", () => {
    const scripts = [...said.matchAll(/\bnpm (?:run ([\w:]+)|(test)\b)/g)].map(
      ([, script, test]) => script ?? test ?? "",
    );
    expect(scripts.filter((name) => !(name in packageJson.scripts))).toEqual([]);
    const files = [...said.matchAll(/(?:^|\s)(\.[\w-]*\/[\w./-]+)/g)].map(([, file = ""]) => file);
    expect(files.filter((file) => !existsSync(file))).toEqual([]);
    expect(scripts.length + files.length).toBeGreaterThan(1);
  });
});

const words = z.string().min(1);
const formSchema = z.strictObject({
  name: words,
  description: words,
  labels: z.array(words),
  body: z.array(
    z.discriminatedUnion("type", [
      z.strictObject({
        type: z.literal("markdown"),
        attributes: z.strictObject({ value: words }),
      }),
      z.strictObject({
        type: z.enum(["input", "textarea", "dropdown"]),
        id: z.string().regex(/^[\w-]+$/),
        attributes: z.strictObject({
          label: words,
          description: words.optional(),
          render: words.optional(),
          // What YAML takes for a truth value is no option to GitHub.
          options: z.array(words).min(1).optional(),
        }),
        validations: z.strictObject({ required: z.boolean() }).optional(),
      }),
    ]),
  ),
});
const forms = filesIn(".github/ISSUE_TEMPLATE").filter((path) => !path.endsWith("/config.yml"));

describe.each(forms)("%s", (path) => {
  const form = formSchema.parse(yamlOf(path));

  it("asks each question once, and requires an answer to the first", () => {
    const asked = form.body.filter((one) => one.type !== "markdown");
    expect(new Set(asked.map(({ id }) => id)).size).toBe(asked.length);
    expect(asked[0]?.validations?.required).toBe(true);
  });

  it("has options where one is to be chosen, and nowhere else", () => {
    for (const one of form.body) {
      if (one.type === "markdown") continue;
      expect(one.attributes.options !== undefined).toBe(one.type === "dropdown");
    }
  });
});

it("weaknesses are sent to a private place", () => {
  const config = z
    .strictObject({
      blank_issues_enabled: z.boolean(),
      contact_links: z.array(z.strictObject({ name: words, url: z.url(), about: words })),
    })
    .parse(yamlOf(".github/ISSUE_TEMPLATE/config.yml"));
  expect(config.contact_links.map(({ url }) => url)).toContainEqual(
    expect.stringMatching(/\/security\/advisories\/new$/),
  );
});
