import { createHash } from "node:crypto";
import type { LockedPackage } from "./lockfile.ts";
import { nameAndVersion, type ShippedPackage } from "./shipped-packages.ts";

export interface SbomInput {
  project: { name: string; version: string; license: string };
  /** Whose code is in `dist/`. */
  bundled: readonly ShippedPackage[];
  /** All that the lockfile has. */
  locked: readonly LockedPackage[];
  font: { name: string; licence: string; bytes: Uint8Array };
}

interface Component {
  type: "library" | "file";
  "bom-ref": string;
  group?: string;
  name: string;
  version?: string;
  scope: "required" | "optional";
  hashes?: { alg: string; content: string }[];
  licenses: ({ license: { id: string } | { name: string } } | { expression: string })[];
  purl?: string;
  components?: Component[];
  properties: { name: string; value: string }[];
}

/**
 * A software bill of materials, CycloneDX 1.6 as JSON: what is in the bundle, and what npm
 * installs beside it. The same packages give the same bytes.
 */
export function sbomText({ project, bundled, locked, font }: SbomInput): string {
  const hosts = bundled.filter(({ within }) => within === undefined);
  const parts = hosts.map((host) => {
    const copies = bundled.filter(({ within }) => within === nameAndVersion(host));
    const found = locked.find((one) => nameAndVersion(one) === nameAndVersion(host));
    const component = library(host, found?.integrity, "bundled", "required");
    if (copies.length > 0) component.components = copies.map((copy) => copied(copy, component));
    return { component, needs: found?.needs ?? [] };
  });
  const beside = locked
    .filter(({ isDevelopment }) => !isDevelopment)
    .filter((one) => !hosts.some((host) => nameAndVersion(host) === nameAndVersion(one)))
    .map((one) => ({
      component: library(
        { ...one, texts: [] },
        one.integrity,
        "installed",
        one.isOptional ? "optional" : "required",
      ),
      needs: one.needs,
    }));
  const all = [...parts, ...beside];
  const refs = new Map(all.map(({ component }) => [fullName(component), component["bom-ref"]]));
  const self = purl(project.name, project.version);
  const content = {
    version: 1,
    metadata: {
      component: {
        type: "application",
        "bom-ref": self,
        name: project.name,
        version: project.version,
        licenses: licences(project.license),
        purl: self,
      },
    },
    components: [...all.map(({ component }) => component), fontFile(font)],
    dependencies: [
      { ref: self, dependsOn: [...all.map(({ component }) => component["bom-ref"])].sort() },
      ...all.map(({ component, needs }) => ({
        ref: component["bom-ref"],
        dependsOn: needs.flatMap((name) => refs.get(name) ?? []).sort(),
      })),
    ],
  };
  const bom = {
    $schema: "http://cyclonedx.org/schema/bom-1.6.schema.json",
    bomFormat: "CycloneDX",
    specVersion: "1.6",
    serialNumber: `urn:uuid:${uuidOf(JSON.stringify(content))}`,
    ...content,
  };
  return `${JSON.stringify(bom, undefined, 2)}\n`;
}

function library(
  one: ShippedPackage,
  integrity: string | undefined,
  place: string,
  scope: Component["scope"],
): Component {
  const [group, name] = one.name.startsWith("@") ? one.name.split("/") : [undefined, one.name];
  const ref = purl(one.name, one.version);
  return {
    type: "library",
    "bom-ref": ref,
    ...(group === undefined ? {} : { group }),
    name: name ?? one.name,
    ...(one.version === undefined ? {} : { version: one.version }),
    scope,
    ...(integrity === undefined ? {} : { hashes: [hashOf(integrity)] }),
    licenses: licences(one.licence),
    purl: ref,
    properties: [{ name: "longcat-mcp:place", value: place }],
  };
}

/** The same package may be copied into several others, so that its address alone is no reference. */
function copied(copy: ShippedPackage, host: Component): Component {
  const component = library(copy, undefined, "copied", "required");
  return { ...component, "bom-ref": `${host["bom-ref"]}#${nameAndVersion(copy)}` };
}

function fontFile({ name, licence, bytes }: SbomInput["font"]): Component {
  return {
    type: "file",
    "bom-ref": `file:${name}`,
    name,
    scope: "required",
    hashes: [{ alg: "SHA-512", content: createHash("sha512").update(bytes).digest("hex") }],
    licenses: [{ license: { name: licence } }],
    properties: [{ name: "longcat-mcp:place", value: "assets" }],
  };
}

function licences(licence: string): Component["licenses"] {
  return / (?:AND|OR|WITH) /.test(licence)
    ? [{ expression: licence }]
    : [{ license: { id: licence } }];
}

function hashOf(integrity: string): { alg: string; content: string } {
  const [algorithm = "", base64 = ""] = integrity.split("-");
  return {
    alg: algorithm.toUpperCase().replace("SHA", "SHA-"),
    content: Buffer.from(base64, "base64").toString("hex"),
  };
}

function purl(name: string, version: string | undefined): string {
  return `pkg:npm/${name.replace("@", "%40")}${version === undefined ? "" : `@${version}`}`;
}

function fullName({ group, name }: Component): string {
  return group === undefined ? name : `${group}/${name}`;
}

/** A UUID (version 8: of our own making) from the content, so that it changes with it only. */
function uuidOf(content: string): string {
  const hex = createHash("sha256").update(content).digest("hex");
  return [
    hex.slice(0, 8),
    hex.slice(8, 12),
    `8${hex.slice(13, 16)}`,
    `8${hex.slice(17, 20)}`,
    hex.slice(20, 32),
  ].join("-");
}
