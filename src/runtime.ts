import { Delegate } from "./chat/delegate.ts";
import type { ThreadStore } from "./chat/thread-store.ts";
import { onAbort } from "./core/aborting.ts";
import type { Clock } from "./core/clock.ts";
import { isLoopbackHost } from "./core/host-addresses.ts";
import { Lazy } from "./core/lazy.ts";
import { Lettering } from "./core/lettering.ts";
import type { Log } from "./core/log.ts";
import type { ProxySettings } from "./core/proxy-settings.ts";
import type { Redact } from "./core/redact.ts";
import type { Keys } from "./core/service-keys.ts";
import { Timings } from "./core/timings.ts";
import { HttpClient } from "./gateway/http-client.ts";
import { LongcatClient } from "./gateway/longcat.ts";
import { perOwner } from "./gateway/per-owner.ts";
import { PixazoClient } from "./gateway/pixazo.ts";
import { openHosting } from "./inputs/open-hosting.ts";
import { type PublicPlace, publicAddress } from "./inputs/public-address.ts";
import { InputResolver } from "./inputs/resolver.ts";
import type { UploadPoint, Uploads } from "./inputs/uploads.ts";
import type { JobEvents } from "./jobs/events.ts";
import { mayBeServed } from "./jobs/finished-file.ts";
import { needsHostedFiles } from "./jobs/hosted-need.ts";
import type { JobContext, LifePoint } from "./jobs/job-context.ts";
import type { JobStore } from "./jobs/job-store.ts";
import type { LineageRecord } from "./jobs/lineage.ts";
import { requireJob } from "./jobs/require-job.ts";
import { JobRunner } from "./jobs/runner.ts";
import type { Places } from "./media/allowed-files.ts";
import { removeErased } from "./media/erased-files.ts";
import type { MediaStore } from "./media/media-store.ts";
import { openMedia } from "./media/open-media.ts";
import type { OpenedPlaces } from "./media/opened-folders.ts";
import { ownersFolders } from "./media/owner-folder.ts";
import { Saving } from "./media/saving.ts";
import { timeScaleOf } from "./models/limits.ts";
import type { DownloadRoute } from "./public/download-route.ts";
import { openPublic } from "./public/open-public.ts";
import type { UploadRoute } from "./public/upload-route.ts";
import { Adoption } from "./purchases/adoption.ts";
import { earlierFile } from "./purchases/earlier-file.ts";
import type { PurchaseContext } from "./purchases/purchase-context.ts";
import { Purchases } from "./purchases/purchases.ts";
import { WebhookAddresses } from "./purchases/webhook-addresses.ts";
import { Webhooks } from "./purchases/webhooks.ts";
import type { QuestionRecord } from "./questions/question-record.ts";
import type { SessionRecord } from "./sessions/session-record.ts";
import { openOwnerKeys } from "./settings/owner-keys.ts";
import type { Settings } from "./settings/settings.ts";
import type { Stores } from "./storage/rows/whole-record.ts";
import { openStores } from "./storage/stores.ts";
import type { Services } from "./tools/services.ts";
import { Waits } from "./tools/waits.ts";
import type { AuditLog } from "./users/audit-log.ts";
import type { Door } from "./users/door.ts";
import { keyFolderOf } from "./users/key-folder.ts";
import { mayCall } from "./users/user.ts";
import type { UserStore } from "./users/user-store.ts";

/** A provider that lives inside this process. */
export interface BuiltInProvider {
  origin: string;
  /** How many times faster than the real one it works. */
  timesFaster: number;
  close(): Promise<void>;
}

export interface RuntimeOptions {
  settings: Settings;
  proxies: ProxySettings;
  events: JobEvents;
  clock: Clock;
  log: Log;
  redact: Redact;
  /** Starts the sandbox; asked only when the settings want it. */
  startSandbox: (speed: number) => Promise<BuiltInProvider>;
  reached: (point: LifePoint | UploadPoint) => void;
  /** Aborts when the server is asked to end: nothing new is started from then on. */
  stopping?: AbortSignal;
  /** How long what is in flight then may still take, in milliseconds. */
  patienceMs: number;
  publicPlace: PublicPlace;
  /** What the user has opened beside the folders of the settings. Without it, nobody is asked. */
  opened?: OpenedPlaces | undefined;
  holder: string;
  /** Whose files lie where they did before callers were told apart. */
  homeOwner: string;
  isGone: (holder: string) => boolean;
}

export interface Runtime extends Services {
  /** How long requests to the provider have taken. */
  timings: Timings;
  /** Once what was in flight when the server was asked to end is over, or has taken too long. */
  settled(): Promise<void>;
  store: JobStore;
  lineage: LineageRecord;
  /** Sessions of clients of the 2025 era that others share, and the time by which they do. */
  sessions: { record: SessionRecord; clock: Clock } | undefined;
  /** What questions need that are sent away and come back. */
  asked: QuestionRecord;
  users: UserStore;
  audit: AuditLog;
  /** Whether calls over HTTP need a token. */
  door: Door;
  /** Answers whoever has a link to a finished file. */
  downloads: DownloadRoute;
  webhooks: Pick<Webhooks, "receive">;
  /** Answers whoever has an address for an upload. */
  uploading: UploadRoute;
  close(): Promise<void>;
}

/**
 * Opens everything that a first `tools/list` does not need: the store, the gateway, the jobs that
 * an earlier process left.
 * @throws {storage}
 */
export async function openRuntime(options: RuntimeOptions): Promise<Runtime> {
  const stores = await openStores(options.settings, options);
  try {
    return await openOn(stores, options);
  } catch (error) {
    await stores.close().catch(() => undefined);
    throw error;
  }
}

async function openOn(stores: Stores, options: RuntimeOptions): Promise<Runtime> {
  const { settings, log, redact } = options;
  const { jobs: store, users, clock } = stores;
  const sandbox = settings.sandbox ? await options.startSandbox(settings.sandboxSpeed) : undefined;
  const baseUrl = sandbox?.origin ?? settings.baseUrl;
  const legacyBaseUrl = sandbox?.origin ?? settings.legacyBaseUrl;
  const http = new HttpClient(options.proxies, redact);
  const { keys, closeKeys } = await openOwnerKeys({
    ...options,
    nameOf: (owner) => keyFolderOf(users, owner),
  });
  const gateway = perOwner(
    (owner) =>
      new PixazoClient({
        http,
        baseUrl,
        legacyBaseUrl,
        apiKey: () => keys.of(owner, "apiKey"),
        redact,
        traceparent: () => log.context().traceparent,
      }),
  );
  const trustedOrigins = [baseUrl, legacyBaseUrl]
    .map((url) => new URL(url))
    .filter((url) => isLoopbackHost(url.hostname))
    .map((url) => url.origin);
  const { events, holder } = options;
  const media = await openMedia({ ...settings, ...options }, { http, clock });
  const closedDirs = ownersFolders(settings.outputDir);
  const places: Places = { ...settings, closedDirs, opened: options.opened };
  const saving = new Saving(places, media);
  const { reached } = options;
  const { keepPrompts: keepsPrompts } = settings;
  const stopping = new AbortController();
  onAbort(options.stopping, () => stopping.abort());
  const { patienceMs } = options;
  const asHolder = { holder, stopping: stopping.signal, patienceMs, keepsPrompts };
  const timings = new Timings(clock);
  const shared = { store, events, clock, log, timings, reached, ...asHolder };
  const open = await openPublic({
    ...{ store, media, clock, log, reached, holder, isGone: options.isGone },
    record: stores.uploads,
    port: options.publicPlace,
    publicUrl: settings.publicUrl,
    isProviderHere: isLoopbackHost(new URL(baseUrl).hostname),
    dataDir: settings.dataDir,
    limits: settings.uploads,
    linkHours: settings.linkHours,
    keptBytes: settings.userLimits.keptBytes,
    mayCall: (owner) => mayCall(users, owner),
  });
  const { uploads } = open;
  const { threads } = stores;
  const parts = { uploads, threads, http, media, saving, places, sandbox, keys };
  const chat = openChat(options, shared, parts);
  await chat.threads
    .sweep(clock.now())
    .catch((error: unknown) => log.error({ err: error }, "left-over turns were not removed"));
  const own = { clock, holder, isGone: options.isGone };
  const isNear = isLoopbackHost(new URL(baseUrl).hostname);
  const around = { publicUrl: settings.publicUrl, isBuiltIn: sandbox !== undefined, isNear, log };
  const address = await publicAddress(options.publicPlace, around);
  const hosting = await openHosting({
    ...own,
    http,
    bucket: settings.hostingBucket,
    isProviderHere: isNear || sandbox !== undefined,
    folder: options.publicPlace.folder,
    record: stores.hosting,
    address,
    maxBytes: settings.hostedBytes,
    maxOwnBytes: (owner) =>
      owner === options.homeOwner ? undefined : settings.userLimits.hostedBytes,
    log,
  });
  const stopReleasing = events.subscribeToAll((job) => {
    const { owner, jobId } = job;
    return needsHostedFiles(job, clock.now()) ? undefined : hosting.release(owner, jobId);
  });
  const inputs = new InputResolver({
    places,
    uploads,
    media,
    mayShrink: settings.shrinkInputs,
    findEarlier: async (owner, jobId, index) => {
      const job = await requireJob(store, owner, jobId);
      return earlierFile(job, index, { now: clock.now(), trustedOrigins });
    },
  });
  const stopLettingGo = events.subscribeToDeletions(undefined, ({ owner, jobId }) => {
    void hosting.release(owner, jobId);
  });
  const record = stores.webhooks;
  const buying: PurchaseContext = {
    ...shared,
    webhooks: new WebhookAddresses({ ...shared, record: record, place: address }),
    inputs,
    gateway,
    http,
    media,
    lettering: new Lazy(() => Lettering.load()),
    saving,
    hosting,
    baseUrl,
    baseIsEphemeral: sandbox !== undefined,
    trustedOrigins,
    prices: settings.prices,
    limits: settings.limits,
    timeScale: sandbox ? 1 / sandbox.timesFaster : timeScaleOf(baseUrl, settings.pollFloorMs),
    random: Math.random,
  };
  const purchases = new Purchases(buying);
  const jobs = new JobRunner({
    ...shared,
    kinds: { named: [chat.delegate], other: purchases },
    keepJobsDays: settings.keepJobsDays,
    quotas: settings.userLimits,
    accountOf: (owner) => (settings.keysDir === undefined ? "" : owner),
    removeFile: (owner, ref) => media.delete(owner, ref),
    leaseTimes: stores.leaseTimes,
    onHint: stores.onHint,
    isGone: options.isGone,
  });
  const webhooks = new Webhooks({ ...own, context: buying, record, purchases, jobs });
  await jobs.open();
  await webhooks.open();
  await hosting.open();
  await removeErased(() => users.erased(), media, log);
  return {
    store,
    lineage: stores.lineage,
    sessions: stores.sessions && { record: stores.sessions, clock },
    asked: stores.questions,
    users,
    audit: stores.audit,
    door: stores.door,
    jobs,
    media,
    saving,
    gateway,
    inputs,
    purchases,
    adoption: new Adoption(buying, jobs),
    isServed: (job, url) => mayBeServed(job, url, { now: clock.now(), trustedOrigins }),
    keys,
    waits: new Waits(settings.userLimits.waits),
    ...chat,
    timings,
    settled: () => jobs.settled(),
    webhooks,
    ...open,
    async close() {
      stopping.abort();
      webhooks.close();
      await jobs.close();
      uploads.close();
      stopReleasing();
      stopLettingGo();
      closeKeys();
      await hosting.close();
      await stores.close();
      await http.close();
      await sandbox?.close();
    },
  };
}

/** The delegate and what it works with. */
function openChat(
  { settings, redact }: RuntimeOptions,
  shared: JobContext,
  parts: {
    threads: ThreadStore;
    http: HttpClient;
    media: MediaStore;
    saving: Saving;
    places: Places;
    uploads: Uploads;
    sandbox: BuiltInProvider | undefined;
    keys: Keys;
  },
): Pick<Services, "delegate" | "threads" | "longcat"> {
  const { threads, http, media, saving, places, uploads, sandbox, keys } = parts;
  const { clock } = shared;
  const baseUrl = sandbox?.origin ?? settings.chatBaseUrl;
  const traceparent = () => shared.log.context().traceparent;
  const longcat = perOwner(
    (owner) =>
      new LongcatClient({
        http,
        clock,
        baseUrl,
        apiKey: () => keys.of(owner, "chatApiKey"),
        redact,
        traceparent,
      }),
  );
  const delegate = new Delegate({
    ...shared,
    media,
    saving,
    timeScale: sandbox ? 1 / sandbox.timesFaster : timeScaleOf(baseUrl, settings.pollFloorMs),
    client: longcat,
    threads,
    baseUrl,
    places,
    uploads,
    defaultModel: settings.chatModel,
    trimHistory: settings.trimHistory,
    caps: { perDayUsd: settings.limits.perDayUsd, perMonthUsd: settings.limits.perMonthUsd },
  });
  return { delegate, threads, longcat };
}
