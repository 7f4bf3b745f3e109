import { readFile } from "node:fs/promises";
import { expect, it } from "vitest";
import * as z from "zod";
import { lockedPackages } from "../../scripts/lockfile.ts";
import { sbomText } from "../../scripts/sbom.ts";

/** The parts of CycloneDX 1.6 that this project uses, as its schema requires them. */
const componentSchema = z.strictObject({
  type: z.enum(["library", "file"]),
  "bom-ref": z.string().min(1),
  group: z.string().optional(),
  name: z.string().min(1),
  version: z.string().optional(),
  scope: z.enum(["required", "optional"]),
  hashes: z
    .array(
      z.strictObject({ alg: z.literal("SHA-512"), content: z.string().regex(/^[0-9a-f]{128}$/) }),
    )
    .optional(),
  licenses: z
    .array(
      z.union([
        z.strictObject({ license: z.strictObject({ id: z.string().min(1) }) }),
        z.strictObject({ license: z.strictObject({ name: z.string().min(1) }) }),
        z.strictObject({ expression: z.string().min(1) }),
      ]),
    )
    .length(1),
  purl: z.string().startsWith("pkg:npm/").optional(),
  get components() {
    return z.array(componentSchema).optional();
  },
  properties: z.array(z.strictObject({ name: z.string(), value: z.string() })),
});

const bomSchema = z.strictObject({
  $schema: z.literal("http://cyclonedx.org/schema/bom-1.6.schema.json"),
  bomFormat: z.literal("CycloneDX"),
  specVersion: z.literal("1.6"),
  serialNumber: z
    .string()
    .regex(/^urn:uuid:[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/),
  version: z.literal(1),
  metadata: z.looseObject({ component: z.looseObject({ "bom-ref": z.string() }) }),
  components: z.array(componentSchema),
  dependencies: z.array(z.strictObject({ ref: z.string(), dependsOn: z.array(z.string()) })),
});

async function bom(name = "undici") {
  const locked = lockedPackages(await readFile("package-lock.json", "utf8"));
  const host = locked.find((one) => one.name === name);
  const bundled = [
    { name, version: host?.version, licence: "MIT", texts: [] },
    {
      name: "llhttp",
      version: undefined,
      licence: "MIT",
      texts: [],
      within: `${name}@${host?.version}`,
    },
  ];
  const font = { name: "font.ttf", licence: "the font's", bytes: Buffer.from("font") };
  return sbomText({
    project: { name: "longcat-mcp", version: "1.2.3", license: "MIT" },
    bundled,
    locked,
    font,
  });
}

it("lists what is bundled, copied and installed, each with address, licence and hash", async () => {
  const parsed = bomSchema.parse(JSON.parse(await bom()));
  const byName = new Map(parsed.components.map((one) => [`${one.group ?? ""}/${one.name}`, one]));
  const undici = byName.get("/undici");
  expect(undici?.purl).toBe(`pkg:npm/undici@${undici?.version}`);
  expect(undici?.hashes).toHaveLength(1);
  expect(undici?.components?.map(({ name }) => name)).toEqual(["llhttp"]);
  expect(byName.get("/sharp")).toMatchObject({
    scope: "required",
    purl: expect.stringMatching(/^pkg:npm\/sharp@/),
  });
  expect(byName.get("@img/sharp-wasm32")).toMatchObject({
    scope: "optional",
    purl: expect.stringMatching(/^pkg:npm\/%40img\/sharp-wasm32@/),
    licenses: [{ expression: "Apache-2.0 AND LGPL-3.0-or-later AND MIT" }],
  });
  expect(byName.get("/vitest")).toBeUndefined();
});

it("has every reference once, and refers to nothing else", async () => {
  const { metadata, components, dependencies } = bomSchema.parse(JSON.parse(await bom()));
  const all = [...components, ...components.flatMap((one) => one.components ?? [])];
  const refs = [metadata.component["bom-ref"], ...all.map((one) => one["bom-ref"])];
  expect(new Set(refs).size).toBe(refs.length);
  const used = dependencies.flatMap(({ ref, dependsOn }) => [ref, ...dependsOn]);
  expect(used.filter((ref) => !refs.includes(ref))).toEqual([]);
});

it("is the same for the same packages, and another for others", async () => {
  expect(await bom()).toBe(await bom());
  const serial = (text: string) => bomSchema.parse(JSON.parse(text)).serialNumber;
  expect(serial(await bom())).not.toBe(serial(await bom("zod")));
});
