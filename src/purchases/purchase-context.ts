import type { Lazy } from "../core/lazy.ts";
import type { Lettering } from "../core/lettering.ts";
import type { Limits, PriceList } from "../core/money.ts";
import type { HttpClient } from "../gateway/http-client.ts";
import type { PerOwner } from "../gateway/per-owner.ts";
import type { PixazoClient } from "../gateway/pixazo.ts";
import type { Hosting, JobFiles } from "../inputs/hosting.ts";
import type { InputResolver } from "../inputs/resolver.ts";
import type { MoveContext } from "../jobs/job-context.ts";
import type { MediaStore } from "../media/media-store.ts";
import type { Saving } from "../media/saving.ts";
import type { WebhookAddresses } from "./webhook-addresses.ts";

/** What every part of a purchase's life works with. */
export interface PurchaseContext extends MoveContext {
  gateway: PerOwner<PixazoClient>;
  http: HttpClient;
  media: MediaStore;
  /** For the numbers on contact sheets. */
  lettering: Lazy<Lettering>;
  saving: Saving;
  /** Reads the files that a caller names. */
  inputs: Pick<InputResolver, "resolve">;
  /** Files that the provider fetches here. */
  hosting: Hosting & JobFiles;
  /** Where the provider may call when a job goes on. */
  webhooks: Pick<WebhookAddresses, "next" | "isExpected">;
  /** Where purchases are sent; only jobs sent there are followed. */
  baseUrl: string;
  /** The base ends with this process, and its jobs with it: the built-in sandbox. */
  baseIsEphemeral: boolean;
  /** Our own loopback bases, the only places from which http media are taken. */
  trustedOrigins: readonly string[];
  prices: PriceList;
  limits: Limits;
  /** From 0 to 1, for jitter. */
  random: () => number;
}
