import {
  CONFIGURABLE,
  type ConfigurableSetting,
  defaultOf,
  descriptionOf,
} from "./configurable.ts";
import { documentedTools } from "./documented.ts";

export interface PackageFacts {
  name: string;
  version: string;
  description: string;
  license: string;
  keywords: readonly string[];
  engines: { node: string };
}

/** `manifest.json` of the MCPB bundle. */
export function manifestFile(facts: PackageFacts): string {
  const manifest = {
    manifest_version: "0.3",
    name: facts.name,
    display_name: "LongCat, Z-Image and Qwen-Image",
    version: facts.version,
    description: facts.description,
    long_description:
      "Ten hosted image operations of the Pixazo gateway as durable jobs: text to image, edits, composition from references, layers and LoRA training. A job survives a cut call or a restart, its request is never sent twice, and its files are kept in a folder of yours. The built-in sandbox imitates the provider on your machine: switch it on to try everything without a key and without cost.",
    author: { name: "The longcat-mcp authors" },
    server: {
      type: "node",
      entry_point: "dist/cli.js",
      mcp_config: {
        command: "node",
        args: [`${placeholder("__dirname")}/dist/cli.js`],
        env: Object.fromEntries(
          Object.entries(CONFIGURABLE).map(([name, { setting }]) => [
            setting.env,
            placeholder(`user_config.${name}`),
          ]),
        ),
      },
    },
    tools: documentedTools()
      .filter(({ tool }) => !tool.isForElsewhere)
      .map(({ tool }) => ({
        name: tool.name,
        description: tool.description,
      })),
    prompts_generated: true,
    keywords: facts.keywords,
    license: facts.license,
    compatibility: { runtimes: { node: facts.engines.node } },
    user_config: Object.fromEntries(
      Object.entries(CONFIGURABLE).map(([name, one]) => [name, userConfig(one)]),
    ),
  };
  return `${JSON.stringify(manifest, undefined, 2)}\n`;
}

/** Something that the host fills in. */
function placeholder(name: string): string {
  return `\${${name}}`;
}

function userConfig(one: ConfigurableSetting) {
  const { setting, title, type } = one;
  const byDefault = defaultOf(one);
  return {
    type,
    title,
    description: descriptionOf(one),
    required: false,
    ...(byDefault === undefined ? {} : { default: byDefault }),
    ...(setting.secret ? { sensitive: true } : {}),
  };
}
