import { canParseUrl } from "../../core/can-parse-url.ts";
import type { SandboxJob } from "../archive.ts";
import { type Standing, standingOf, statusBody } from "../contract/replies.ts";
import type { FaultOf } from "../faults/fault-kinds.ts";
import { isLoopback } from "../input-loader.ts";
import { uuidV7 } from "../request-ids.ts";
import type { SandboxContext } from "../sandbox-context.ts";

/** Something that is posted: when, and what. */
interface Delivery {
  /** Milliseconds since the epoch; before the request is answered where absent. */
  at?: number;
  bodies: readonly (() => Promise<string>)[];
}

/**
 * Posts the job's final status to each address on this machine once it ends; to no other. A fault
 * has it done otherwise. @returns once that is posted which comes before the request's answer.
 */
export async function announce(
  context: SandboxContext,
  job: SandboxJob,
  addresses: readonly string[],
  fault: FaultOf<"webhook"> | undefined,
): Promise<void> {
  const near = [...new Set(addresses)].filter(
    (address) => canParseUrl(address) && isLoopback(new URL(address).hostname),
  );
  for (const { at, bodies } of deliveriesOf(context, job, fault)) {
    for (const address of near) {
      if (at === undefined) await postAll(context, bodies, address);
      else if (Number.isFinite(at)) postAt(context, at, bodies, address);
    }
  }
}

function deliveriesOf(
  context: SandboxContext,
  job: SandboxJob,
  fault: FaultOf<"webhook"> | undefined,
): Delivery[] {
  const { endsAt } = job.schedule;
  const end = () => finalBody(context, job);
  const running = (status: string) => async () =>
    bodyOf(context, job, { status, error: null, mediaUrls: null });
  switch (fault?.kind) {
    case undefined:
      return [{ at: endsAt, bodies: [end] }];
    case "webhook-never":
      return [];
    case "webhook-twice":
      return [{ at: endsAt, bodies: [end, end] }];
    case "webhook-late":
      return [{ at: endsAt + fault.ms, bodies: [end] }];
    case "webhook-early":
      return [{ bodies: [end] }];
    case "webhook-out-of-order":
      return [{ at: endsAt, bodies: [end, running("PROCESSING"), running("QUEUED")] }];
    case "webhook-forged":
      return [{ at: endsAt, bodies: [...liesAbout(context, job), end] }];
  }
}

/** What somebody might post who knows the address, and the ways of the provider. */
function liesAbout(context: SandboxContext, job: SandboxJob): (() => Promise<string>)[] {
  const { clock, origin } = context;
  const other = `${job.modelId}_${uuidV7(clock.now())}`;
  const mediaUrls = [`${origin()}/v1/${other}/output.png`];
  const failed = { status: "FAILED", error: "It was refused.", mediaUrls: null };
  const completed = { status: "COMPLETED", error: null, mediaUrls };
  return [
    async () => bodyOf(context, { ...job, requestId: other }, completed),
    async () => bodyOf(context, job, failed),
    async () => "<!doctype html><p>Not JSON.</p>",
  ];
}

async function finalBody(context: SandboxContext, job: SandboxJob): Promise<string> {
  const now = Math.max(context.clock.now(), job.schedule.endsAt);
  return bodyOf(context, job, await standingOf(job, now, context.origin()), now);
}

function bodyOf(
  { clock, shapes }: SandboxContext,
  job: SandboxJob,
  standing: Standing,
  now = clock.now(),
): string {
  const trueMediaType = shapes.trueMediaType ?? false;
  return JSON.stringify(statusBody(job, standing, { now, trueMediaType }));
}

function postAt(
  context: SandboxContext,
  at: number,
  bodies: Delivery["bodies"],
  address: string,
): void {
  const { clock, closing } = context;
  const callOff = clock.schedule(at - clock.now(), () => {
    closing.removeEventListener("abort", callOff);
    void postAll(context, bodies, address);
  });
  closing.addEventListener("abort", callOff, { once: true });
}

async function postAll(
  { closing }: SandboxContext,
  bodies: Delivery["bodies"],
  address: string,
): Promise<void> {
  for (const body of bodies) {
    await fetch(address, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: await body(),
      redirect: "manual",
      signal: closing,
    }).catch(() => {
      // A receiver that is not there is the caller's own affair.
    });
  }
}
