import type { BucketPlace } from "../core/bucket-address.ts";
import type { HttpClient } from "../gateway/http-client.ts";
import { type Hosting, type HostingOptions, type JobFiles, OwnHosting } from "./hosting.ts";

export interface PlacedHosting extends HostingOptions {
  /** Where the provider fetches files; at this server where it is absent. */
  bucket: BucketPlace | undefined;
  http: HttpClient;
  /** Whether the provider is on this machine. */
  isProviderHere: boolean;
}

/** Hosting from its start to its end. */
export interface OpenHosting extends Hosting, JobFiles {
  /** Removes what is left over, now and from time to time. */
  open(): Promise<void>;
  /** Lets what is being removed come to its end. */
  close(): Promise<void>;
}

/** The host of callers' files that the settings name. What a bucket needs is loaded only for one. */
export async function openHosting(options: PlacedHosting): Promise<OpenHosting> {
  const { bucket, http, clock } = options;
  if (!bucket) return new OwnHosting(options);
  const [{ BucketClient }, { BucketHosting }] = await Promise.all([
    import("../gateway/bucket-client.ts"),
    import("./bucket-hosting.ts"),
  ]);
  return new BucketHosting({
    ...options,
    client: new BucketClient({ http, clock, ...bucket }),
  });
}
