import { Delegate } from "../chat/delegate.ts";
import type { ThreadStore } from "../chat/thread-store.ts";
import type { Keys } from "../core/service-keys.ts";
import type { HttpClient } from "../gateway/http-client.ts";
import { LongcatClient } from "../gateway/longcat.ts";
import { perOwner } from "../gateway/per-owner.ts";
import type { Uploads } from "../inputs/uploads.ts";
import type { JobContext } from "../jobs/job-context.ts";
import type { Places } from "../media/allowed-files.ts";
import type { MediaStore } from "../media/media-store.ts";
import type { Saving } from "../media/saving.ts";
import type { Services } from "../tools/services.ts";
import type { Provider } from "./open-provider.ts";
import type { RuntimeOptions } from "./runtime.ts";

interface Parts {
  provider: Provider;
  http: HttpClient;
  keys: Keys;
  threads: ThreadStore;
  media: MediaStore;
  saving: Saving;
  places: Places;
  uploads: Uploads;
}

/** The delegate and what it works with; turns that an earlier process has left are ended. */
export async function openDelegate(
  { settings, redact, log }: RuntimeOptions,
  context: JobContext,
  { provider, http, keys, ...parts }: Parts,
): Promise<Pick<Services, "delegate" | "threads" | "longcat">> {
  const { threads } = parts;
  const { clock } = context;
  const baseUrl = provider.chatBaseUrl;
  const longcat = perOwner(
    (owner) =>
      new LongcatClient({
        ...{ http, clock, baseUrl, redact },
        apiKey: () => keys.of(owner, "chatApiKey"),
        traceparent: () => log.context().traceparent,
      }),
  );
  const { perDayUsd, perMonthUsd } = settings.limits;
  const delegate = new Delegate({
    ...context,
    ...parts,
    baseUrl,
    client: longcat,
    timeScale: provider.timeScale.chat,
    defaultModel: settings.chatModel,
    trimHistory: settings.trimHistory,
    caps: { perDayUsd, perMonthUsd },
  });
  await threads
    .sweep(clock.now())
    .catch((error: unknown) => log.error({ err: error }, "left-over turns were not removed"));
  return { delegate, threads, longcat };
}
