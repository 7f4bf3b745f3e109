import { expect, it } from "vitest";
import { PATIENTLY } from "../e2e/harness.ts";
import { openHttpServer } from "../support/http-server.ts";

/** What becomes of a request on a connection of its own. */
const asked = (origin: string) =>
  fetch(`${origin}/healthz`, { headers: { connection: "close" } }).then(
    ({ status }) => status,
    ({ cause }) => cause.code,
  );

it("a server that has others takes no connection once it is to end", async () => {
  const ending = new AbortController();
  const { origin, close } = await openHttpServer(undefined, {
    ...{ stopping: ending.signal, hasOthers: true },
  });
  expect(await asked(origin)).toBe(200);
  ending.abort();
  await expect.poll(() => asked(origin), PATIENTLY).toBe("ECONNREFUSED");
  await close();
});

it("one that has none answers to its end", async () => {
  const ending = new AbortController();
  const { origin, close } = await openHttpServer(undefined, { stopping: ending.signal });
  ending.abort();
  for (let n = 0; n < 3; n++) expect(await asked(origin)).toBe(200);
  await close();
  expect(await asked(origin)).toBe("ECONNREFUSED");
});
