import { join } from "node:path";
import { expect, onTestFinished } from "vitest";
import type { Caller } from "../../src/core/caller.ts";
import { type Clock, systemClock } from "../../src/core/clock.ts";
import { newJobId } from "../../src/core/ids.ts";
import { Lazy } from "../../src/core/lazy.ts";
import { Lettering } from "../../src/core/lettering.ts";
import type { Log } from "../../src/core/log.ts";
import type { Limits, PriceList } from "../../src/core/money.ts";
import { LOCAL_CALLER } from "../../src/core/owner.ts";
import { createRedact } from "../../src/core/redact.ts";
import { Timings } from "../../src/core/timings.ts";
import type { HttpReply } from "../../src/gateway/exchange.ts";
import { HttpClient, type OutboundRequest } from "../../src/gateway/http-client.ts";
import { perOwner } from "../../src/gateway/per-owner.ts";
import { PixazoClient } from "../../src/gateway/pixazo.ts";
import type { Hosting, JobFiles } from "../../src/inputs/hosting.ts";
import { InputResolver } from "../../src/inputs/resolver.ts";
import { JobEvents } from "../../src/jobs/events.ts";
import type { Job, JobState, WholeJob } from "../../src/jobs/job.ts";
import type { JobKind } from "../../src/jobs/job-kind.ts";
import type { JobStore } from "../../src/jobs/job-store.ts";
import { JobRunner } from "../../src/jobs/runner.ts";
import { DiskStore } from "../../src/media/disk-store.ts";
import type { MediaStore } from "../../src/media/media-store.ts";
import { Saving } from "../../src/media/saving.ts";
import { Adoption } from "../../src/purchases/adoption.ts";
import type { PurchaseContext } from "../../src/purchases/purchase-context.ts";
import { Purchases } from "../../src/purchases/purchases.ts";
import { Connection } from "../../src/storage/sqlite/connection.ts";
import { SqliteJobStore } from "../../src/storage/sqlite/sqlite-job-store.ts";
import { settle } from "./fake-clock.ts";
import { operation } from "./operations.ts";
import { tempDir } from "./temp-dir.ts";
import { silentLog } from "./tool-deps.ts";

export const OWNER = "local";
/** Where nobody has uploaded anything. */
export const NO_UPLOADS = { find: () => Promise.reject(new Error("nothing was uploaded")) };
export const CALLER: Caller = { ...LOCAL_CALLER, owner: OWNER };
export const CAT = { prompt: "A cat", image_size: "square_1_1" };

export interface RigOptions {
  origin: string;
  clock?: Clock;
  /** To share with another rig. */
  folder?: string;
  holder?: string;
  isGone?: (holder: string) => boolean;
  /** Aborts when it is asked to end, which may be before it is closed. */
  stopping?: AbortController;
  /** Default: nobody else goes on with what it leaves. */
  hasOthers?: boolean;
  /** Default: nobody reads it. */
  log?: Log;
  /** Default: a two-thousandth, so that a test on the system's clock takes milliseconds. */
  timeScale?: number;
  ephemeral?: boolean;
  apiKey?: string;
  prices?: PriceList;
  limits?: Limits;
  keepJobsDays?: number;
  /** Default: prompts are kept. */
  keepsPrompts?: boolean;
  /** Default: jobs without files that the provider fetches here. */
  hosting?: Hosting & JobFiles;
  /** Default: jobs for which no webhook can come. */
  webhooks?: PurchaseContext["webhooks"];
  /** Default: all owners have one key. */
  accountOf?: (owner: string) => string;
  /** Where files are kept, below a folder of the rig. Default: in a folder of this machine. */
  openMedia?: (folder: string) => MediaStore;
  /** A kind of jobs beside purchases. */
  kind?: (parts: RigParts) => JobKind;
  /** Runs on the store before anything is taken up. */
  before?: (store: SqliteJobStore) => Promise<unknown>;
}

export type RigParts = Omit<PurchaseContext, "store"> & {
  store: SqliteJobStore;
  connection: Connection;
  folder: string;
};

export interface Rig {
  /** What purchases work with. */
  context: PurchaseContext;
  purchases: Purchases;
  adoption: Adoption;
  runner: JobRunner;
  store: SqliteJobStore;
  /** What the store works with. */
  connection: Connection;
  media: DiskStore;
  events: JobEvents;
  folder: string;
  outputDir: string;
  /** Every state each job went through, in order. */
  seen: { jobId: string; state: JobState }[];
  start(name?: string, args?: Record<string, unknown>, saveTo?: string): Promise<Job>;
  /** The job once it is in that state. */
  reached(job: Pick<Job, "jobId">, state: JobState): Promise<WholeJob>;
  /** The job as it is on disk. */
  get(job: Pick<Job, "jobId">): Promise<WholeJob>;
  /** Once no request is in flight and its answer has been dealt with. */
  quiet(): Promise<void>;
  /** Ends it as the server does. */
  close(): Promise<void>;
}

/** The real client, which tells whether somebody is out. */
class WatchedClient extends HttpClient {
  inFlight = 0;

  override async send(outbound: OutboundRequest): Promise<HttpReply> {
    this.inFlight++;
    try {
      return await super.send(outbound);
    } finally {
      this.inFlight--;
    }
  }
}

/** A whole job runner with everything real, on a gateway of the test's choice. */
export async function openRig(options: RigOptions): Promise<Rig> {
  const folder = options.folder ?? (await tempDir());
  const { clock = systemClock, origin, holder = "this-process" } = options;
  const outputDir = join(folder, "pictures");
  const { hosting = NO_FILES, log = silentLog } = options;
  const connection = new Connection(join(folder, "data"));
  const store = new SqliteJobStore(connection);
  await options.before?.(store);
  const http = new WatchedClient();
  const events = new JobEvents();
  const { stopping = new AbortController(), hasOthers = false } = options;
  const apiKey = options.apiKey ?? "key-0123456789";
  const places = {
    allowedDirs: [outputDir, join(folder, "allowed")],
    workingDir: folder,
    homeDir: join(folder, "home"),
  };
  const media = new DiskStore({ ...places, outputDir, homeOwner: OWNER });
  const parts: RigParts = {
    folder,
    store,
    connection,
    http,
    gateway: perOwner(
      () =>
        new PixazoClient({
          http,
          baseUrl: origin,
          legacyBaseUrl: origin,
          apiKey: () => apiKey,
          redact: createRedact([apiKey]),
          traceparent: () => log.context().traceparent,
        }),
    ),
    media: options.openMedia?.(folder) ?? media,
    lettering: new Lazy(() => Lettering.load()),
    saving: new Saving(places, media),
    inputs: new InputResolver({
      places,
      media,
      mayShrink: false,
      uploads: NO_UPLOADS,
      findEarlier: () => expect.fail("no earlier file is named"),
    }),
    hosting,
    webhooks: options.webhooks ?? NO_WEBHOOKS,
    events,
    clock,
    log,
    timings: new Timings(clock),
    baseUrl: origin,
    baseIsEphemeral: options.ephemeral ?? false,
    trustedOrigins: [origin],
    timeScale: options.timeScale ?? 1 / 2_000,
    random: () => 0.5,
    prices: options.prices ?? {},
    limits: options.limits ?? NO_LIMITS,
    reached: () => {},
    keepsPrompts: options.keepsPrompts ?? true,
    holder,
    stopping: stopping.signal,
    hasOthers,
    patienceMs: 10_000,
  };
  const purchases = new Purchases(parts);
  const runner = new JobRunner({
    ...parts,
    kinds: { named: options.kind ? [options.kind(parts)] : [], other: purchases },
    keepJobsDays: options.keepJobsDays,
    removeFile: (owner, ref) => media.delete(owner, ref),
    isGone: options.isGone ?? (() => false),
    ...(options.accountOf ? { accountOf: options.accountOf } : {}),
  });
  const seen: Rig["seen"] = [];
  events.subscribeToAll(({ jobId, state }) => {
    const last = seen.findLast((one) => one.jobId === jobId);
    if (last?.state !== state) seen.push({ jobId, state });
  });
  let closed = false;
  const close = async () => {
    if (closed) return;
    closed = true;
    stopping.abort();
    await runner.close();
    await store.close();
    await http.close();
  };
  onTestFinished(close);
  await runner.open();
  const get = async ({ jobId }: Pick<Job, "jobId">) => runner.get(OWNER, jobId);
  return {
    context: parts,
    runner,
    purchases,
    adoption: new Adoption(parts, runner),
    store,
    connection,
    media,
    events,
    folder,
    outputDir,
    seen,
    get,
    close,
    async quiet() {
      await settle();
      await until(() => http.inFlight === 0, "the end of all requests");
      await settle();
    },
    async start(name = "longcat_image_generate", args = CAT, saveTo) {
      const one = operation(name);
      const request = { operation: one, given: one.prepare(args), saveTo };
      // Tests start the same again and again and mean it.
      return (await runner.start(purchases, CALLER, { forceNew: true, ...request })).job;
    },
    reached: (job, state) =>
      until(async () => {
        const current = await get(job);
        return current.state === state ? current : undefined;
      }, `${job.jobId} is ${state}`),
  };
}

/** Only what never comes takes so long, however busy the machine is. */
const GIVE_UP_MS = 150_000;

/** Waits for real input and output, without any clock of the program's. */
export async function until<T>(
  check: () => T | undefined | false | Promise<T | undefined | false>,
  what = "what was waited for",
): Promise<T> {
  const deadline = performance.now() + GIVE_UP_MS;
  for (;;) {
    const found = await check();
    if (found !== undefined && found !== false) return found;
    if (performance.now() > deadline) expect.fail(`${what} did not happen`);
    await new Promise((resolve) => setImmediate(resolve));
  }
}

/** Nothing is hosted. */
export const NO_FILES: Hosting & JobFiles = {
  served: "not at all",
  requireAddress: async (refusal) => {
    throw refusal;
  },
  measure: () => expect.fail("nothing can be hosted"),
  checkQuota: async () => {},
  stage: () => expect.fail("nothing can be hosted"),
  discard: async () => {},
  reserve: async () => {},
  publish: async () => {},
  release: async () => {},
};

const NO_WEBHOOKS: PurchaseContext["webhooks"] = {
  next: async () => undefined,
  isExpected: async () => false,
};

export const NO_LIMITS: Limits = {
  perDayUsd: undefined,
  perMonthUsd: undefined,
  confirmAboveUsd: undefined,
};

/** What lists and changes give of a job. */
export function summaryOf({ input: _input, wire: _wire, ...job }: WholeJob): Job {
  return job;
}

/** Records a job as it is, whatever else there may be. */
export async function recordJob(store: JobStore, job: WholeJob, holder: string): Promise<void> {
  await store.admit(job, holder, { forceNew: true, limits: NO_LIMITS, now: job.createdAt });
}

/** A job as another process might have left it. */
export function leftJob(change: Partial<WholeJob> & Pick<Job, "baseUrl">): WholeJob {
  const now = Date.now();
  return {
    jobId: newJobId(),
    owner: OWNER,
    operation: "longcat_image_generate",
    input: CAT,
    wire: CAT,
    threadId: null,
    saveTo: null,
    state: "queued",
    charge: "reserved",
    requestId: null,
    upstreamStatus: null,
    createdAt: now,
    updatedAt: now,
    acceptedAt: null,
    completedAt: null,
    costUsd: null,
    error: null,
    mediaUrls: [],
    media: [],
    warnings: [],
    warningsTold: 0,
    deliveredAt: null,
    fingerprint: null,
    idempotencyKey: null,
    reservedUsd: 0.13,
    orphaned: false,
    ...change,
  };
}
