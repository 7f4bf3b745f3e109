import {
  CONFIGURABLE,
  type ConfigurableSetting,
  defaultOf,
  descriptionOf,
} from "./configurable.ts";
import { documentedTools } from "./documented.ts";
import { homepageOf } from "./homepage.ts";

export interface PackageFacts {
  name: string;
  version: string;
  description: string;
  license: string;
  keywords: readonly string[];
  engines: { node: string };
  repository: { url: string };
}

/** Under the project's root; hosts show PNG only. */
export const ICON = "assets/icon.png";
/** What that is drawn from. */
export const ICON_TILE = "assets/icon.svg";
export const SCREENSHOTS = ["viewer", "gallery", "edit"].map((name) => `assets/${name}.png`);

/** For shops, which read Markdown. */
const LONG_DESCRIPTION = [
  "Two jobs for an assistant:",
  "**Pictures.** Ten hosted image operations of the Pixazo gateway: text to image with LongCat-Image, Z-Image and Qwen-Image, edits, composition from references, transparent layers, LoRA training. Each one is a durable job: it survives a cut call or a restart, its request is never sent twice, and its files are kept in a folder of yours. Previews come with the answer, and a gallery in the browser shows everything that was made, with prompts and costs.",
  "**A delegate.** LongCat chat has a window of a million tokens: hand it a task with files, folders or logs, and only its answer comes back. The files are read on your machine and cost none of the assistant's own context.",
  "Budgets by day and month, a limit above which you are asked, and `spending` keep costs in sight. Each job takes a key of its own service, and works without the other's. The built-in sandbox imitates both on your machine: switch it on to try everything without a key, a network or cost.",
].join("\n\n");

/** `manifest.json` of the MCPB bundle. */
export function manifestFile(facts: PackageFacts): string {
  const homepage = homepageOf(facts);
  const manifest = {
    manifest_version: "0.3",
    name: facts.name,
    display_name: "LongCat, Z-Image and Qwen-Image",
    version: facts.version,
    description: facts.description,
    long_description: LONG_DESCRIPTION,
    author: { name: "The longcat-mcp authors" },
    repository: { type: "git", url: facts.repository.url.replace(/^git\+/, "") },
    homepage,
    documentation: `${homepage}#readme`,
    support: `${homepage}/issues`,
    icon: ICON,
    icons: [{ src: ICON, size: "512x512" }],
    screenshots: SCREENSHOTS,
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
