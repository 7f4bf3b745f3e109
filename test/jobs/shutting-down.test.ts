import { expect, it } from "vitest";
import { refuseIfStopping } from "../../src/jobs/shutting-down.ts";

const [going, stopping] = [new AbortController().signal, AbortSignal.abort()];

it.each([
  [going, undefined],
  [going, true],
  [stopping, true],
])("a start is taken as long as somebody will send it", (signal, hasOthers) => {
  refuseIfStopping({ stopping: signal, ...(hasOthers && { hasOthers }) });
});

it("a start is refused by the only one, once it is to end", () => {
  for (const others of [{}, { hasOthers: false }]) {
    expect(() => refuseIfStopping({ stopping, ...others })).toThrow(
      expect.objectContaining({ code: "cancelled", retryable: true }),
    );
  }
});
