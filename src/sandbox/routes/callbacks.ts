import type { SandboxJob } from "../archive.ts";
import { standingOf, statusBody } from "../contract/replies.ts";
import { isLoopback } from "../input-loader.ts";
import type { SandboxContext } from "../sandbox-context.ts";

/** Posts the job's final status to each address on this machine once it ends; to no other. */
export function announce(
  context: SandboxContext,
  job: SandboxJob,
  addresses: readonly string[],
): void {
  const { clock, closing } = context;
  const { endsAt } = job.schedule;
  if (!Number.isFinite(endsAt)) return;
  for (const address of new Set(addresses)) {
    if (!URL.canParse(address) || !isLoopback(new URL(address).hostname)) continue;
    const callOff = clock.schedule(endsAt - clock.now(), () => {
      closing.removeEventListener("abort", callOff);
      post(context, job, address).catch(() => {
        // A receiver that is not there is the caller's own affair.
      });
    });
    closing.addEventListener("abort", callOff, { once: true });
  }
}

async function post(context: SandboxContext, job: SandboxJob, address: string): Promise<void> {
  const now = Math.max(context.clock.now(), job.schedule.endsAt);
  const standing = await standingOf(job, now, context.origin());
  const trueMediaType = context.shapes.trueMediaType ?? false;
  await fetch(address, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(statusBody(job, standing, { now, trueMediaType })),
    redirect: "manual",
    signal: context.closing,
  });
}
