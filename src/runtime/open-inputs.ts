import type { HttpClient } from "../gateway/http-client.ts";
import { type OpenHosting, openHosting } from "../inputs/open-hosting.ts";
import { publicAddress } from "../inputs/public-address.ts";
import { InputResolver } from "../inputs/resolver.ts";
import type { Uploads } from "../inputs/uploads.ts";
import { needsHostedFiles } from "../jobs/hosted-need.ts";
import { requireJob } from "../jobs/require-job.ts";
import type { Places } from "../media/allowed-files.ts";
import type { MediaStore } from "../media/media-store.ts";
import { earlierFile } from "../purchases/earlier-file.ts";
import type { Stores } from "../storage/rows/whole-record.ts";
import type { Provider } from "./open-provider.ts";
import type { RuntimeOptions } from "./runtime.ts";

interface Parts {
  provider: Provider;
  http: HttpClient;
  media: MediaStore;
  places: Places;
  uploads: Uploads;
}

export interface OpenedInputs {
  inputs: InputResolver;
  hosting: OpenHosting;
  /** The address of this server that the provider calls, if it has one. */
  address: Awaited<ReturnType<typeof publicAddress>>;
  close(): Promise<void>;
}

/** What callers give, and how the provider gets it; a hosted file stays as long as a job needs it. */
export async function openInputs(
  { settings, events, log, publicPlace, holder, isGone, homeOwner }: RuntimeOptions,
  { jobs: store, hosting: record, clock }: Stores,
  { provider, http, media, places, uploads }: Parts,
): Promise<OpenedInputs> {
  const { isNear, isBuiltIn, trustedOrigins } = provider;
  const { publicUrl, userLimits } = settings;
  const address = await publicAddress(publicPlace, { publicUrl, isBuiltIn, isNear, log });
  const hosting = await openHosting({
    ...{ http, record, address, clock, holder, isGone, log },
    bucket: settings.hostingBucket,
    isProviderHere: isNear,
    folder: publicPlace.folder,
    maxBytes: settings.hostedBytes,
    maxOwnBytes: (owner) => (owner === homeOwner ? undefined : userLimits.hostedBytes),
  });
  const stopReleasing = events.subscribeToAll((job) => {
    const { owner, jobId } = job;
    return needsHostedFiles(job, clock.now()) ? undefined : hosting.release(owner, jobId);
  });
  const stopLettingGo = events.subscribeToDeletions(undefined, ({ owner, jobId }) => {
    void hosting.release(owner, jobId);
  });
  const inputs = new InputResolver({
    ...{ places, uploads, media },
    mayShrink: settings.shrinkInputs,
    findEarlier: async (owner, jobId, index) => {
      const job = await requireJob(store, owner, jobId);
      return earlierFile(job, index, { now: clock.now(), trustedOrigins });
    },
  });
  return {
    ...{ inputs, hosting, address },
    async close() {
      stopReleasing();
      stopLettingGo();
      await hosting.close();
    },
  };
}
