import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, it } from "vitest";

/** What starts the server, as a person or a host writes it. */
const STARTS =
  /dist\/cli\.js["'\]]*(?:\s+http)?\s*(?:$|["'\],])|npx longcat-mcp(?: http)?\s*$|"longcat-mcp"/m;
const WITHOUT_KEYS = /--sandbox|\b(?:demo|doctor|jobs|sandbox|--help|--version)\b/;

async function snippets(): Promise<{ page: string; snippet: string }[]> {
  const docs = (await readdir("docs")).filter((name) => name.endsWith(".md"));
  const pages = ["README.md", ...docs.map((name) => join("docs", name))];
  const found = pages.map(async (page) => {
    const blocks = (await readFile(page, "utf8")).matchAll(/^```\w+\n([\s\S]*?)^```/gm);
    return [...blocks].map(([, snippet = ""]) => ({ page, snippet }));
  });
  return (await Promise.all(found)).flat();
}

it("every snippet that starts the server sets both keys", async () => {
  const starting = (await snippets()).filter(
    ({ snippet }) => STARTS.test(snippet) && !WITHOUT_KEYS.test(snippet),
  );
  expect(starting.length).toBeGreaterThan(5);
  const lacking = starting.filter(({ snippet }) =>
    ["PIXAZO_API_KEY", "LONGCAT_API_KEY"].some((key) => !snippet.includes(key)),
  );
  expect(lacking).toEqual([]);
});

it("the README names the command of every way to install the program", async () => {
  const readme = await readFile("README.md", "utf8");
  for (const words of [
    "`npx longcat-mcp`",
    "`npx -p longcat-mcp longcat-mcp demo`",
    "node /path/to/longcat-mcp/dist/cli.js",
    ".mcpb",
    "docker exec",
  ]) {
    expect(readme).toContain(words);
  }
});
