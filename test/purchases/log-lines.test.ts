import { expect, test } from "vitest";
import { createLog } from "../../src/core/log.ts";
import { hashedOwner } from "../../src/core/log-context.ts";
import { createRedact } from "../../src/core/redact.ts";
import { completed, file, says, scriptedGateway } from "../support/gateway-script.ts";
import { picture } from "../support/pictures.ts";
import { OWNER, openRig, until } from "../support/rig.ts";

const traceOf = (digit: number) => `00-${String(digit).repeat(32)}-${String(digit).repeat(16)}-01`;

test("all lines of a job name it, its owner and the call that began it; so do its requests", async () => {
  const lines: Record<string, unknown>[] = [];
  const log = createLog("info", createRedact([]), (line) => lines.push(JSON.parse(line)));
  const gateway = await scriptedGateway({
    status: [says("PROCESSING"), says("PROCESSING"), completed("a.png")],
    media: [file(await picture())],
  });
  const rig = await openRig({ origin: gateway.origin, log });
  const begun = [1, 2, 3].map((digit) => ({
    request: `req_${digit}`,
    traceparent: traceOf(digit),
  }));
  const jobs = await Promise.all(
    begun.map((context) => log.within({ ...context, owner: "of the call" }, () => rig.start())),
  );
  for (const job of jobs) await rig.reached(job, "completed");

  const ended = () => lines.filter(({ to }) => to === "completed");
  await until(() => ended().length === 3);
  for (const [at, { jobId }] of jobs.entries()) {
    const moves = lines.filter((line) => line["job"] === jobId && line["msg"] === "job moved");
    expect(moves.map(({ to }) => to)).toEqual([
      "submitting",
      "running",
      "downloading",
      "completed",
    ]);
    for (const move of moves) {
      expect(move).toMatchObject({ ...begun[at], owner: hashedOwner(OWNER) });
    }
  }
  const traces = (hits: { headers: Record<string, unknown> }[]) =>
    [...new Set(hits.map(({ headers }) => headers["traceparent"]))].sort();
  const all = begun.map(({ traceparent }) => traceparent);
  expect(traces(gateway.posts)).toEqual(all);
  expect(traces(gateway.looks)).toEqual(all);
  // Files are fetched from others.
  expect(traces(gateway.fetches)).toEqual([undefined]);
});

test.each([3, 1])(
  "an orderly end with %i looks under way has no line that says they failed",
  async (count) => {
    const lines: Record<string, unknown>[] = [];
    const log = createLog("warn", createRedact([]), (line) => lines.push(JSON.parse(line)));
    const looks: unknown[] = [];
    const gateway = await scriptedGateway({ status: [(_, hit) => looks.push(hit)] });
    const rig = await openRig({ origin: gateway.origin, log });
    for (let n = 0; n < count; n++) await rig.start();
    await until(() => looks.length === count, "all looks are under way");
    await rig.close();
    // What breaks off is told once the record is closed.
    await rig.quiet();
    expect(lines).toEqual([]);
  },
);
