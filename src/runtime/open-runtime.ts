import { onAbort } from "../core/aborting.ts";
import { Lazy } from "../core/lazy.ts";
import { Lettering } from "../core/lettering.ts";
import { Timings } from "../core/timings.ts";
import { HttpClient } from "../gateway/http-client.ts";
import { perOwner } from "../gateway/per-owner.ts";
import { PixazoClient } from "../gateway/pixazo.ts";
import { mayBeServed } from "../jobs/finished-file.ts";
import { JobRunner } from "../jobs/runner.ts";
import type { Places } from "../media/allowed-files.ts";
import { removeErased } from "../media/erased-files.ts";
import { openMedia } from "../media/open-media.ts";
import { ownersFolders } from "../media/owner-folder.ts";
import { Saving } from "../media/saving.ts";
import { openPublic } from "../public/open-public.ts";
import { Adoption } from "../purchases/adoption.ts";
import type { PurchaseContext } from "../purchases/purchase-context.ts";
import { Purchases } from "../purchases/purchases.ts";
import { WebhookAddresses } from "../purchases/webhook-addresses.ts";
import { Webhooks } from "../purchases/webhooks.ts";
import { openOwnerKeys } from "../settings/owner-keys.ts";
import type { Stores } from "../storage/rows/whole-record.ts";
import { openStores } from "../storage/stores.ts";
import { Waits } from "../tools/waits.ts";
import { keyFolderOf } from "../users/key-folder.ts";
import { mayCall } from "../users/user.ts";
import { openDelegate } from "./open-delegate.ts";
import { openInputs } from "./open-inputs.ts";
import { openProvider } from "./open-provider.ts";
import type { Runtime, RuntimeOptions } from "./runtime.ts";

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
  const { settings, events, log, redact, reached, holder, isGone } = options;
  const { jobs: store, threads, users, clock } = stores;
  const provider = await openProvider(settings, options.startSandbox);
  const { baseUrl, legacyBaseUrl, trustedOrigins } = provider;
  const http = new HttpClient(options.proxies, redact);
  const { keys, closeKeys } = await openOwnerKeys({
    ...options,
    nameOf: (owner) => keyFolderOf(users, owner),
  });
  const gateway = perOwner(
    (owner) =>
      new PixazoClient({
        ...{ http, baseUrl, legacyBaseUrl, redact },
        apiKey: () => keys.of(owner, "apiKey"),
        traceparent: () => log.context().traceparent,
      }),
  );
  const media = await openMedia({ ...settings, ...options }, { http, clock });
  const closedDirs = ownersFolders(settings.outputDir);
  const places: Places = { ...settings, closedDirs, opened: options.opened };
  const saving = new Saving(places, media);
  const stopping = new AbortController();
  onAbort(options.stopping, () => stopping.abort());
  const timings = new Timings(clock);
  const context = {
    ...{ store, events, clock, log, timings, reached, holder },
    stopping: stopping.signal,
    patienceMs: options.patienceMs,
    keepsPrompts: settings.keepPrompts,
    hasOthers: settings.database !== undefined,
  };
  const open = await openPublic({
    ...{ store, media, clock, log, reached, holder, isGone },
    record: stores.uploads,
    port: options.publicPlace,
    publicUrl: settings.publicUrl,
    isProviderHere: provider.isNear,
    dataDir: settings.dataDir,
    limits: settings.uploads,
    linkHours: settings.linkHours,
    keptBytes: settings.userLimits.keptBytes,
    mayCall: (owner) => mayCall(users, owner),
  });
  const { uploads } = open;
  const parts = { provider, http, media, places, uploads };
  const chat = await openDelegate(options, context, { ...parts, keys, threads, saving });
  const given = await openInputs(options, stores, parts);
  const { inputs, hosting, address } = given;
  const record = stores.webhooks;
  const buying: PurchaseContext = {
    ...context,
    ...{ inputs, gateway, http, media, saving, hosting, baseUrl, trustedOrigins },
    webhooks: new WebhookAddresses({ ...context, record, place: address }),
    lettering: new Lazy(() => Lettering.load()),
    baseIsEphemeral: provider.isBuiltIn,
    prices: settings.prices,
    limits: settings.limits,
    timeScale: provider.timeScale.jobs,
    random: Math.random,
  };
  const purchases = new Purchases(buying);
  const jobs = new JobRunner({
    ...context,
    kinds: { named: [chat.delegate], other: purchases },
    keepJobsDays: settings.keepJobsDays,
    quotas: settings.userLimits,
    accountOf: (owner) => (settings.keysDir === undefined ? "" : owner),
    removeFile: (owner, ref) => media.delete(owner, ref),
    leaseTimes: stores.leaseTimes,
    onHint: stores.onHint,
    isGone,
  });
  const webhooks = new Webhooks({
    ...{ clock, holder, isGone, record, purchases, jobs },
    context: buying,
  });
  await jobs.open();
  await webhooks.open();
  await hosting.open();
  await removeErased(() => users.erased(), media, log);
  return {
    ...{ store, jobs, media, saving, gateway, inputs, purchases, keys, timings, users, webhooks },
    ...chat,
    ...open,
    lineage: stores.lineage,
    sessions: stores.sessions && { record: stores.sessions, clock },
    visits: stores.visits && { record: stores.visits, clock },
    asked: stores.questions,
    audit: stores.audit,
    door: stores.door,
    adoption: new Adoption(buying, jobs),
    isServed: (job, url) => mayBeServed(job, url, { now: clock.now(), trustedOrigins }),
    waits: new Waits(settings.userLimits.waits),
    settled: () => jobs.settled(),
    async close() {
      stopping.abort();
      webhooks.close();
      await jobs.close();
      uploads.close();
      closeKeys();
      await given.close();
      await stores.close();
      await http.close();
      await provider.close();
    },
  };
}
