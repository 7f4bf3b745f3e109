import { expect, test } from "vitest";
import { createLog } from "../../src/core/log.ts";
import { hashedOwner, requestContext } from "../../src/core/log-context.ts";
import { createRedact } from "../../src/core/redact.ts";
import { until } from "../support/rig.ts";

const TRACE = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

function logged() {
  const lines: Record<string, unknown>[] = [];
  const log = createLog("info", createRedact([]), (line) => lines.push(JSON.parse(line)));
  return { log, lines };
}

test("a line says for whom it was written, however late that was", async () => {
  const { log, lines } = logged();
  const later: Promise<void>[] = [];
  for (const request of ["req_a", "req_b"]) {
    log.within({ request, owner: "o" }, () => {
      log.info({}, "at once");
      later.push(new Promise((done) => setImmediate(() => done(log.info({ job: "j" }, "later")))));
    });
  }
  log.info({}, "by nobody");
  await Promise.all(later);
  await until(() => lines.length === 5);
  expect(lines.map(({ msg, request, owner, job }) => [msg, request, owner, job])).toEqual([
    ["at once", "req_a", "o", undefined],
    ["at once", "req_b", "o", undefined],
    ["by nobody", undefined, undefined, undefined],
    ["later", "req_a", "o", "j"],
    ["later", "req_b", "o", "j"],
  ]);
});

test("a context takes the place of the one around it, and ends with what it was for", () => {
  const { log } = logged();
  log.within({ request: "outer" }, () => {
    log.within({ job: "inner" }, () => expect(log.context()).toEqual({ job: "inner" }));
    expect(log.context()).toEqual({ request: "outer" });
  });
  expect(log.context()).toEqual({});
});

test("an owner is known again in a log, and not known from it", () => {
  expect(hashedOwner("abc")).toBe("ba7816bf8f01cfea");
  expect(hashedOwner("abd")).not.toBe(hashedOwner("abc"));
  const { owner, request } = requestContext({}, "o4x7");
  expect(owner).toBe(hashedOwner("o4x7"));
  expect(request).toMatch(/^req_[a-z2-7]{13}$/);
  expect(requestContext({}, "o4x7").request).not.toBe(request);
});

const asking = (traceparent: unknown) => ({ params: { _meta: { traceparent } } });

test("the trace of a message is kept", () => {
  expect(requestContext(asking(TRACE), "o")).toMatchObject({ traceparent: TRACE });
});

test.each([
  ["no message", undefined],
  ["a list", [asking(TRACE)]],
  ["no parameters", { params: null }],
  ["no _meta", { params: { _meta: [] } }],
  ["a number", asking(1)],
  ["another version", asking(TRACE.replace("00-", "ff-"))],
  ["upper case", asking(TRACE.toUpperCase())],
  ["more behind it", asking(`${TRACE}-x`)],
  ["a second header", asking(`${TRACE}\r\nx: y`)],
  ["a line's end", asking(`${TRACE}\n`)],
  ["no trace's id", asking(`00-${"0".repeat(32)}-00f067aa0ba902b7-01`)],
  ["no span's id", asking(`00-4bf92f3577b34da6a3ce929d0e0e4736-${"0".repeat(16)}-01`)],
])("what is no trace is none: %s", (_, message) => {
  expect(requestContext(message, "o")).not.toHaveProperty("traceparent");
});
