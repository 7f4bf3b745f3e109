import { readdir, readFile } from "node:fs/promises";
import { join, sep } from "node:path";
import { Client } from "@modelcontextprotocol/client";
import { InMemoryTransport } from "@modelcontextprotocol/server";
import packageJson from "../package.json" with { type: "json" };
import { LOCAL_CALLER } from "../src/core/owner.ts";
import { ICON_TILE, manifestFile } from "../src/docs/manifest.ts";
import { code, codes, table } from "../src/docs/markdown.ts";
import { BLOCKS, fillPages } from "../src/docs/pages.ts";
import { registryFile } from "../src/docs/registry-entry.ts";
import { JobEvents } from "../src/jobs/events.ts";
import { ServerFactory } from "../src/server.ts";
import { programTile } from "../src/tools/icons.ts";
import { unconfiguredDeps } from "../src/tools/unconfigured.ts";
import { HOUSE } from "./architecture/house.ts";
import { readModules } from "./architecture/modules.ts";
import { labelOf, layersPicture } from "./architecture/picture.ts";
import type { Room } from "./architecture/rules.ts";
import { NOTICES, noticesHere, shippedHere } from "./shipped.ts";

export const SNAPSHOTS = "test/snapshots/tools";

/** Everything that `npm run gen` writes: path under the project's root, and content. */
export async function generatedFiles(): Promise<Map<string, string>> {
  const tools = await listedTools();
  return new Map([
    ...fillPages(await pages(), { ...BLOCKS, rooms: () => roomsTable(HOUSE.rooms) }),
    ["docs/architecture.svg", layersPicture(await readModules(".", "src"), HOUSE.rooms)],
    ["manifest.json", manifestFile(packageJson)],
    ["server.json", registryFile(packageJson)],
    [ICON_TILE, programTile()],
    [NOTICES, await noticesHere(await shippedHere())],
    ...tools.map((tool): [string, string] => [
      `${SNAPSHOTS}/${tool.name}.json`,
      `${JSON.stringify(tool, undefined, 2)}\n`,
    ]),
  ]);
}

/** The pages that people and assistants read, by path. */
export async function pages(): Promise<Map<string, string>> {
  const below = await readdir("docs", { recursive: true });
  const paths = [...(await readdir(".")), ...below.map((path) => join("docs", path))]
    .filter((path) => path.endsWith(".md"))
    .map((path) => path.split(sep).join("/"))
    .sort();
  return new Map(
    await Promise.all(
      paths.map(async (path): Promise<[string, string]> => [path, await readFile(path, "utf8")]),
    ),
  );
}

function roomsTable(rooms: readonly Room[]): string {
  return table(
    ["Room", "What it is", "May import"],
    rooms.map(({ path, about, uses }) => [code(path), about, codes(uses.map(labelOf))]),
  );
}

/**
 * The tools as a client receives them from a server that has not been configured; without icons,
 * which hosts show to people and not to models.
 */
export async function listedTools() {
  return asked(async (client) =>
    (await client.listTools()).tools.map(({ icons: _, ...tool }) => tool),
  );
}

/** The prompts likewise. */
export async function listedPrompts() {
  return asked(async (client) => (await client.listPrompts()).prompts);
}

async function asked<T>(question: (client: Client) => Promise<T>): Promise<T> {
  const factory = new ServerFactory({
    ...unconfiguredDeps(),
    version: packageJson.version,
    events: new JobEvents(),
  });
  const server = factory.create({
    caller: LOCAL_CALLER,
    era: "legacy",
    lasting: false,
    onDelivered: () => {},
  });
  const client = new Client({ name: "documentation", version: "1" });
  const [ours, theirs] = InMemoryTransport.createLinkedPair();
  await Promise.all([server.connect(theirs), client.connect(ours)]);
  const answer = await question(client);
  await client.close();
  return answer;
}
