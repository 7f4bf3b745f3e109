import { createServer } from "node:http";
import { text } from "node:stream/consumers";
import { createGunzip } from "node:zlib";
import { expect, it, onTestFinished } from "vitest";
import { auditPackages } from "../../scripts/audit.ts";
import { tempDir } from "../support/temp-dir.ts";

const PACKAGES = [
  { name: "first", version: "1.0.0" },
  { name: "first", version: "2.0.0" },
  { name: "@scope/second", version: "3.0.0" },
  { name: "unversioned", version: undefined },
];

/** A registry on loopback that answers audits like this, and remembers what it was asked. */
async function registry(advisories: object | undefined) {
  const asked: unknown[] = [];
  const server = createServer(async (request, response) => {
    if (request.method !== "POST") {
      response.writeHead(404).end("{}");
      return;
    }
    const isGzip = request.headers["content-encoding"] === "gzip";
    asked.push(JSON.parse(await text(isGzip ? request.pipe(createGunzip()) : request)));
    response.writeHead(advisories ? 200 : 405, { "Content-Type": "application/json" });
    response.end(JSON.stringify(advisories ?? {}));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => void server.close());
  const address = server.address();
  const port = typeof address === "object" ? address?.port : undefined;
  return { asked, url: `http://127.0.0.1:${port}/` };
}

async function audit(url: string) {
  const env = {
    ...process.env,
    npm_config_registry: url,
    npm_config_cache: await tempDir(),
    npm_config_fetch_retries: "0",
  };
  return auditPackages(PACKAGES, undefined, env);
}

it("asks about every version that is shipped, copies included", async () => {
  const { asked, url } = await registry({});
  expect(await audit(url)).toEqual({ kind: "clean", count: 3 });
  expect(asked).toEqual([{ first: ["1.0.0", "2.0.0"], "@scope/second": ["3.0.0"] }]);
});

it("names what is known against one of them", async () => {
  const { url } = await registry({
    first: [
      {
        id: 1,
        url: "https://advisories.example/1",
        title: "It leaks",
        severity: "high",
        vulnerable_versions: "<2.0.0",
        cwe: [],
        cvss: { score: 7.5, vectorString: null },
      },
    ],
  });
  const outcome = await audit(url);
  expect(outcome).toMatchObject({ kind: "findings" });
  expect(JSON.stringify(outcome)).toContain("first (high): It leaks https://advisories.example/1");
});

it("does not call it audited where the registry answers no audit", async () => {
  const { url } = await registry(undefined);
  expect(await audit(url)).toEqual({
    kind: "not audited",
    reason: expect.stringContaining("405"),
  });
});
