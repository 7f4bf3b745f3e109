import {
  CONFIGURABLE,
  type ConfigurableSetting,
  defaultOf,
  descriptionOf,
} from "./configurable.ts";
import { homepageOf } from "./homepage.ts";
import { ICON, ICON_TILE } from "./manifest.ts";

export interface RegistryFacts {
  /** The package's name. */
  name: string;
  /** The server's name in the MCP registry; the package says it too, as a proof that both are one. */
  mcpName: string;
  version: string;
  repository: { url: string };
}

/** `server.json`, with which a release is entered into the MCP registry. */
export function registryFile({ name, mcpName, version, repository }: RegistryFacts): string {
  const homepage = homepageOf({ repository });
  // Where a release's own files are: the registry wants icons at an address.
  const released = (path: string) => `${homepage}/raw/v${version}/${path}`;
  const entry = {
    $schema: "https://static.modelcontextprotocol.io/schemas/2025-12-11/server.schema.json",
    name: mcpName,
    title: "LongCat, Z-Image and Qwen-Image",
    description:
      "Image models and a 1M-token delegate as durable jobs: never paid twice, never lost",
    repository: { url: homepage, source: "github" },
    websiteUrl: homepage,
    version,
    icons: [
      { src: released(ICON), mimeType: "image/png", sizes: ["512x512"] },
      { src: released(ICON_TILE), mimeType: "image/svg+xml", sizes: ["any"] },
    ],
    packages: [
      {
        registryType: "npm",
        identifier: name,
        version,
        runtimeHint: "npx",
        transport: { type: "stdio" },
        environmentVariables: Object.values(CONFIGURABLE).map(variable),
      },
    ],
  };
  return `${JSON.stringify(entry, undefined, 2)}\n`;
}

const FORMATS: Readonly<Record<ConfigurableSetting["type"], string>> = {
  string: "string",
  boolean: "boolean",
  number: "number",
  directory: "filepath",
};

function variable(one: ConfigurableSetting) {
  const { setting, type } = one;
  const byDefault = defaultOf(one);
  return {
    name: setting.env,
    description: descriptionOf(one),
    isRequired: false,
    format: FORMATS[type],
    ...(byDefault === undefined ? {} : { default: String(byDefault) }),
    ...(setting.secret ? { isSecret: true } : {}),
  };
}
