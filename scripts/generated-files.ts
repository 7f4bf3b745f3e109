import { readFile } from "node:fs/promises";
import { Client } from "@modelcontextprotocol/client";
import { InMemoryTransport } from "@modelcontextprotocol/server";
import packageJson from "../package.json" with { type: "json" };
import { documentationDeps } from "../src/docs/documented.ts";
import { manifestFile } from "../src/docs/manifest.ts";
import { fillReadme } from "../src/docs/readme.ts";
import { referencePage } from "../src/docs/reference.ts";
import { JobEvents } from "../src/jobs/events.ts";
import { ServerFactory } from "../src/server.ts";
import { NOTICES, noticesHere, shippedHere } from "./shipped.ts";

export const SNAPSHOTS = "test/snapshots/tools";

/** Everything that `npm run gen` writes: path under the project's root, and content. */
export async function generatedFiles(): Promise<Map<string, string>> {
  const tools = await listedTools();
  return new Map([
    ["README.md", fillReadme(await readFile("README.md", "utf8"))],
    ["docs/reference.md", referencePage()],
    ["manifest.json", manifestFile(packageJson)],
    [NOTICES, await noticesHere(await shippedHere())],
    ...tools.map((tool): [string, string] => [
      `${SNAPSHOTS}/${tool.name}.json`,
      `${JSON.stringify(tool, undefined, 2)}\n`,
    ]),
  ]);
}

/** The tools as a client receives them from a server that has not been configured. */
export async function listedTools() {
  const factory = new ServerFactory({
    ...documentationDeps(),
    version: packageJson.version,
    events: new JobEvents(),
  });
  const server = factory.create({ era: "legacy", lasting: false, onDelivered: () => {} });
  const client = new Client({ name: "documentation", version: "1" });
  const [ours, theirs] = InMemoryTransport.createLinkedPair();
  await Promise.all([server.connect(theirs), client.connect(ours)]);
  const { tools } = await client.listTools();
  await client.close();
  return tools;
}
