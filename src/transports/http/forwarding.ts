/**
 * What reverse proxies, tunnels and content networks add to the requests that they pass on, in lower
 * case. A client on this machine sends none of these. A name that ends with `*` stands for all that
 * begin so.
 */
const FORWARDING_HEADERS: readonly string[] = [
  "forwarded*",
  "via",
  "x-forward*",
  "x-original-*",
  "x-originating-*",
  "x-real-*",
  "x-client-*",
  "x-cluster-*",
  "x-remote-*",
  "x-proxy*",
  "x-proxied-*",
  "x-host",
  "x-http-host-override",
  "x-rewrite-url",
  "x-scheme",
  "x-url-scheme",
  "x-backend-host",
  "x-bluecoat-via",
  "x-coming-from",
  "x-source-ip",
  "x-true-ip",
  "x-true-client-*",
  "x-trusted-client-ip",
  "x-connecting-ip",
  "x-request-start",
  "client-ip",
  "remote-addr",
  "remote-ip",
  "true-client-*",
  "cluster-client-ip",
  "real-ip",
  "proxy-client-ip",
  "wl-proxy-*",
  "front-end-https",
  "max-forwards",
  "cdn-*",
  "cf-*",
  "cloudfront-*",
  "akamai-*",
  "x-akamai-*",
  "fastly-*",
  "x-fastly-*",
  "fly-*",
  "incap-*",
  "ngrok-*",
  "x-ngrok-*",
  "tailscale-*",
  "x-appengine-*",
  "x-cloud-trace-context",
  "x-amz-cf-*",
  "x-amzn-trace-id",
  "x-arr-*",
  "x-azure-*",
  "x-ms-forwarded-*",
  "x-vercel-*",
  "x-nf-*",
  "x-envoy-*",
  "x-varnish",
  "x-sucuri-*",
];

/**
 * Which header shows that a request came through a proxy or a tunnel.
 * @param names of the request's headers, in any case.
 * @returns the name in lower case; `undefined` for a request that was made here.
 */
export function forwardingHeader(names: Iterable<string>): string | undefined {
  for (const given of names) {
    // Some servers read `X_Forwarded_For` as `X-Forwarded-For`.
    const name = given.toLowerCase().replaceAll("_", "-");
    const isOne = FORWARDING_HEADERS.some((known) =>
      known.endsWith("*") ? name.startsWith(known.slice(0, -1)) : name === known,
    );
    if (isOne) return given.toLowerCase();
  }
  return undefined;
}
