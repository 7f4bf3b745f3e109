import { AwsV4Signer } from "aws4fetch";
import type { BucketAddress, BucketKeys } from "../core/bucket-address.ts";

/** What is asked of a bucket: of itself, or of one key. */
export interface BucketRequest {
  method: "GET" | "HEAD" | "PUT" | "POST" | "DELETE";
  /** The whole key; of the bucket itself where it is absent. */
  key?: string | undefined;
  query?: Readonly<Record<string, string>>;
  headers?: Readonly<Record<string, string>>;
  /** Of the body, as hexadecimal digits, or {@link UNSIGNED}. */
  sha256: string;
}

/** An address that does one thing for whoever has it, for a while. */
export interface LinkRequest {
  method: "GET" | "HEAD";
  key: string;
  query: Readonly<Record<string, string>>;
  /** From now on. */
  seconds: number;
}

/** Of no bytes at all. */
export const NOTHING_SHA256 = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

/** In place of a digest that is not known before the body has gone. */
export const UNSIGNED = "UNSIGNED-PAYLOAD";

/** Signs requests to a bucket. */
export class BucketSigner {
  readonly #address: BucketAddress;
  readonly #keys: BucketKeys;
  /** What a day's signatures begin with. */
  readonly #derived = new Map<string, ArrayBuffer>();

  constructor(address: BucketAddress, keys: BucketKeys) {
    this.#address = address;
    this.#keys = keys;
  }

  /** @param now milliseconds since 1970. */
  async sign(
    request: BucketRequest,
    now: number,
  ): Promise<{ url: URL; headers: Record<string, string> }> {
    const { method, key, query = {}, headers = {}, sha256 } = request;
    const signer = this.#signer(this.#address.endpoint, { method, key, query }, now, {
      headers: { ...headers, "x-amz-content-sha256": sha256 },
    });
    const { url, headers: all } = await signer.sign();
    return { url: withoutPluses(url), headers: Object.fromEntries(all) };
  }

  /** @param now milliseconds since 1970. */
  async link({ seconds, ...request }: LinkRequest, now: number): Promise<string> {
    const query = { ...request.query, "X-Amz-Expires": String(seconds) };
    const { publicEndpoint } = this.#address;
    const signer = this.#signer(publicEndpoint, { ...request, query }, now, { signQuery: true });
    return withoutPluses((await signer.sign()).url).href;
  }

  /** What all links to a key begin with. */
  linkBase(key: string): string {
    return this.#url(this.#address.publicEndpoint, key).href;
  }

  #signer(
    endpoint: string,
    { method, key, query }: Pick<BucketRequest, "method" | "key"> & LinkQuery,
    now: number,
    how: { headers?: Record<string, string>; signQuery?: boolean },
  ): AwsV4Signer {
    const url = this.#url(endpoint, key);
    for (const [name, value] of Object.entries(query)) url.searchParams.set(name, value);
    const { accessKeyId, secretAccessKey, sessionToken } = this.#keys;
    return new AwsV4Signer({
      method,
      url: url.href,
      accessKeyId,
      secretAccessKey,
      ...(sessionToken === undefined ? {} : { sessionToken }),
      service: "s3",
      region: this.#address.region,
      cache: this.#derived,
      datetime: new Date(now).toISOString().replaceAll(/[:-]|\.\d{3}/g, ""),
      ...how,
    });
  }

  #url(endpoint: string, key: string | undefined): URL {
    const { bucket, style } = this.#address;
    const base = new URL(endpoint);
    if (style === "virtual") base.hostname = `${bucket}.${base.hostname}`;
    const folders = [base.pathname.replace(/\/$/, ""), ...(style === "path" ? [bucket] : [])];
    const path = key === undefined ? "" : key.split("/").map(encodeURIComponent).join("/");
    base.pathname = `${folders.join("/")}/${path}`;
    return base;
  }
}

/** A plus is a blank to some servers and a plus to others. */
function withoutPluses(url: URL): URL {
  url.search = url.search.replaceAll("+", "%20");
  return url;
}

type LinkQuery = { query: Readonly<Record<string, string>> };
